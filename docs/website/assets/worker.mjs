/**
 * Worker that runs an exported generator by onnxruntime-web, so that the page goes on answering.
 *
 * A message {id, kind, ...} is answered by {id, result} or {id, error}: `load` fetches a model, `draw` draws what a seed
 * asks for, `run` takes the inputs themselves.
 */
import * as ort from "../live/runtime/ort.wasm.min.mjs";
import { between, drawLatent, drawNoise, mix } from "./random.mjs";

ort.env.wasm.numThreads = 1; // more need headers that static hosts do not send
ort.env.wasm.wasmPaths = new URL("../live/runtime/", import.meta.url).href;

const ABOUT = {};
let session;

async function load({ about }) {
  Object.assign(ABOUT, about);
  session = await ort.InferenceSession.create(new URL(`../live/${about.name}.onnx`, import.meta.url).href);
}

/** Returns z (n, D): each of its parts has a stream of its own, as in ganzoo.games.latent_space.Latents. */
function latents(n, seed) {
  const width = ABOUT.streams.reduce((sum, [length]) => sum + length, 0);
  const z = new Float32Array(n * width);
  let start = 0;
  ABOUT.streams.forEach(([length, prior], k) => {
    const part = drawLatent(n, length, prior, k ? mix(seed, k) : seed);
    for (let i = 0; i < n; i++) z.set(part.subarray(i * length, (i + 1) * length), i * width + start);
    start += length;
  });
  return z;
}

/** Draws n samples of a seed, or on the way to those of another one. */
function draw({ n, seed, to = null, t = 0, truncation = 1, label = null }) {
  const spherical = ABOUT.streams.every(([, prior]) => prior === "normal");
  const z = to === null ? latents(n, seed) : between(latents(n, seed), latents(n, to), t, n, spherical);
  const feeds = { z: z.map((x) => x * truncation) };
  if (ABOUT.mixed) feeds.u = drawLatent(n, 1, "uniform", mix(seed, 1)).map((u) => (u + 1) / 2);
  if (ABOUT.classes.length) feeds.labels = Array.from({ length: n }, (_, i) => label ?? i % ABOUT.classes.length);
  if (ABOUT.noise) feeds.noise = drawNoise(n, ABOUT.noise, seed);
  return run({ n, feeds });
}

/** Maps inputs, flat arrays by their names, to samples in [-1, 1], one after the other. */
async function run({ n, feeds }) {
  const inputs = {};
  for (const [name, numbers] of Object.entries(feeds)) {
    inputs[name] =
      name === "labels"
        ? new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), [n])
        : new ort.Tensor("float32", Float32Array.from(numbers), numbers.length === n && name === "u" ? [n] : [n, numbers.length / n]);
  }
  const [output] = Object.values(await session.run(inputs));
  return output.data;
}

const KINDS = { load, draw, run };
self.onmessage = async ({ data: { id, kind, ...rest } }) => {
  try {
    self.postMessage({ id, result: await KINDS[kind](rest) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};
