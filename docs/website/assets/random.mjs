/**
 * Random numbers as ganzoo draws them in PyTorch on a CPU: a seed draws the same samples here as `ganzoo sample` does.
 *
 * `mix` is ganzoo.common.seeding.mix, `drawLatent` ganzoo.games.latent.draw_latent, and `drawNoise` the noise of
 * ganzoo.games.noise_inputs. Below them lie BLAKE2b (RFC 7693) and the Mersenne Twister (Matsumoto and Nishimura 1998),
 * whose 32-bit numbers PyTorch turns into uniform ones of 24 bits and, 16 at a time, into normal ones (Box and Muller 1958).
 */

const IV = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const SIGMA = [
  "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "9057fa24e1bc683d",
  "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0",
].map((row) => [...row].map((digit) => parseInt(digit, 16)));
const word = (x) => BigInt.asUintN(64, x);
const rotated = (x, bits) => word((x >> bits) | (x << (64n - bits)));

/** Returns the 8-byte BLAKE2b digest of an ASCII text of at most 128 letters as a number, its first byte the highest. */
export function blake2b64(text) {
  const block = new Uint8Array(128);
  block.set([...text].map((letter) => letter.charCodeAt(0)));
  const view = new DataView(block.buffer);
  const m = Array.from({ length: 16 }, (_, i) => view.getBigUint64(8 * i, true));
  const h = [...IV];
  h[0] ^= 0x01010008n; // no key, a digest of 8 bytes
  const v = [...h, ...IV];
  v[12] ^= BigInt(text.length);
  v[14] = word(~v[14]); // the last block
  const G = (a, b, c, d, x, y) => {
    v[a] = word(v[a] + v[b] + x);
    v[d] = rotated(v[d] ^ v[a], 32n);
    v[c] = word(v[c] + v[d]);
    v[b] = rotated(v[b] ^ v[c], 24n);
    v[a] = word(v[a] + v[b] + y);
    v[d] = rotated(v[d] ^ v[a], 16n);
    v[c] = word(v[c] + v[d]);
    v[b] = rotated(v[b] ^ v[c], 63n);
  };
  const LANES = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];
  for (let round = 0; round < 12; round++) {
    const s = SIGMA[round % 10];
    LANES.forEach((lane, i) => G(...lane, m[s[2 * i]], m[s[2 * i + 1]]));
  }
  const digest = new DataView(new ArrayBuffer(8));
  digest.setBigUint64(0, h[0] ^ v[0] ^ v[8], true);
  return digest.getBigUint64(0, false);
}

/** Hashes integers to a seed of 63 bits. */
export function mix(...parts) {
  return blake2b64(parts.join(",")) >> 1n;
}

/** Mersenne Twister of 32 bits, seeded as PyTorch does: by the lower half of the seed. */
export class Twister {
  constructor(seed) {
    this.state = new Uint32Array(624);
    this.state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
    for (let i = 1; i < 624; i++) {
      const before = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, before) + i;
    }
    this.next = 624;
  }

  /** Returns the next number of 32 bits. */
  integer() {
    if (this.next === 624) this.#turn();
    let y = this.state[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Returns the next number in [0, 1), of 24 bits. */
  uniform() {
    return (this.integer() & 0xffffff) / 0x1000000;
  }

  #turn() {
    const s = this.state;
    for (let i = 0; i < 624; i++) {
      const y = (s[i] & 0x80000000) | (s[i < 623 ? i + 1 : 0] & 0x7fffffff);
      s[i] = s[i < 227 ? i + 397 : i - 227] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }
}

/** Fills numbers, 16 or more, with standard normal ones. */
function fillNormal(numbers, source) {
  const pair = (start) => {
    for (let i = start; i < start + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - numbers[i]));
      const angle = 2 * Math.PI * numbers[i + 8];
      numbers[i] = radius * Math.cos(angle);
      numbers[i + 8] = radius * Math.sin(angle);
    }
  };
  for (let i = 0; i < numbers.length; i++) numbers[i] = source.uniform();
  for (let i = 0; i + 16 <= numbers.length; i += 16) pair(i);
  if (numbers.length % 16) { // the last 16 are drawn anew
    const start = numbers.length - 16;
    for (let i = start; i < numbers.length; i++) numbers[i] = source.uniform();
    pair(start);
  }
}

const FILLS = {
  normal: fillNormal,
  uniform: (numbers, source) => {
    for (let i = 0; i < numbers.length; i++) numbers[i] = 2 * source.uniform() - 1;
  },
};
export const PRIORS = Object.keys(FILLS);
const BLOCK = 64;

/** Draws n latent vectors of a prior, one after the other; the i-th depends on the seed and on i alone. */
export function drawLatent(n, length, prior, seed) {
  const blocks = Math.ceil(n / BLOCK);
  const z = new Float32Array(blocks * BLOCK * length);
  for (let i = 0; i < blocks; i++) {
    FILLS[prior](z.subarray(i * BLOCK * length, (i + 1) * BLOCK * length), new Twister(mix(seed, i)));
  }
  return z.slice(0, n * length);
}

/** Draws the noise of n images' layers, `length` numbers each, 16 or more; the i-th depends on the seed and on i alone. */
export function drawNoise(n, length, seed) {
  const noise = new Float32Array(n * length);
  for (let i = 0; i < n; i++) fillNormal(noise.subarray(i * length, (i + 1) * length), new Twister(mix(seed, i, 0)));
  return noise;
}

/**
 * Returns n vectors a share t of the way from those of `a` to those of `b`: on straight lines, or on arcs along which
 * angle and length change at constant rates, as in ganzoo.games.interpolation.
 */
export function between(a, b, t, n, spherical) {
  const way = a.map((x, i) => (1 - t) * x + t * b[i]);
  if (!spherical) return way;
  const length = a.length / n;
  for (let start = 0; start < a.length; start += length) {
    let [ab, aa, bb] = [0, 0, 0];
    for (let i = start; i < start + length; i++) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    const [la, lb] = [Math.sqrt(aa), Math.sqrt(bb)];
    const angle = Math.acos(Math.max(-1, Math.min(1, ab / (la * lb))));
    if (!(Math.sin(angle) > 1e-6)) continue; // they do not say on which arc
    const size = ((1 - t) * la + t * lb) / Math.sin(angle);
    const [share, other] = [(size * Math.sin((1 - t) * angle)) / la, (size * Math.sin(t * angle)) / lb];
    for (let i = start; i < start + length; i++) way[i] = share * a[i] + other * b[i];
  }
  return way;
}
