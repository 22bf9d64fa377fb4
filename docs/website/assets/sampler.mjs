/**
 * Live samplers: a picture of samples becomes a model that draws in the visitor's browser, once it is asked to.
 *
 * A `figure` with `data-live`, the JSON of a website.live.LiveModel, gets a button; pressed, it fetches the model and
 * onnxruntime-web from this very site, and draws as `ganzoo sample NAME --seed SEED` does. `figure.sampler` is for
 * consoles and tests: `await figure.sampler.draw({n: 4, seed: 7})` returns numbers in [-1, 1], `run({n, feeds})` takes the
 * inputs themselves, such as `{z: [...]}`.
 */

const TILES = 16;
const WAY = 2500; // milliseconds of a walk from seed to seed

/** An exported generator in a worker. */
class Sampler {
  #worker;
  #waiting = new Map();
  #count = 0;

  constructor(about) {
    this.about = about;
    this.#worker = new Worker(new URL("worker.mjs", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      error === undefined ? resolve(result) : reject(new Error(error));
    };
    this.#worker.onerror = (event) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(event.message || "the worker did not start"));
      this.#waiting.clear();
    };
    this.ready = this.#ask("load", { about });
  }

  /** Draws n samples: {n, seed, truncation, label, to, t}; with `to` a share t of the way to those of that seed. */
  draw(options) {
    return this.#ask("draw", { n: TILES, ...options });
  }

  /** Maps inputs, flat arrays by their names, to n samples. */
  run(options) {
    return this.#ask("run", options);
  }

  #ask(kind, options) {
    return new Promise((resolve, reject) => {
      const id = this.#count++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, kind, ...options });
    });
  }
}

/** Paints samples (n, C, H, W) in [-1, 1] on canvases. */
function paint(canvases, numbers, [channels, height, width]) {
  const area = height * width;
  canvases.forEach((canvas, i) => {
    const image = new ImageData(width, height);
    for (let c = 0; c < 3; c++) {
      const start = (i * channels + (channels === 3 ? c : 0)) * area;
      for (let p = 0; p < area; p++) image.data[4 * p + c] = Math.round((numbers[start + p] + 1) * 127.5);
    }
    for (let p = 0; p < area; p++) image.data[4 * p + 3] = 255;
    canvas.getContext("2d").putImageData(image, 0, 0);
  });
}

/** Makes an element: its attributes, and what is in it. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    name.startsWith("on") ? made.addEventListener(name.slice(2), value) : made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Puts the button under a figure's picture that makes it a sampler. */
function offer(figure) {
  const about = JSON.parse(figure.dataset.live);
  const button = element("button", { type: "button", class: "md-button md-button--primary" }, "Draw in this browser");
  const note = element("span", { class: "quiet" }, `${megabytes(about.bytes)} and the runtime's ${megabytes(about.runtime)}; no server`);
  const bar = element("div", { class: "controls" }, button, note);
  figure.append(bar);
  button.addEventListener("click", async () => {
    button.disabled = true;
    note.textContent = "Fetching the model …";
    const sampler = new Sampler(about);
    try {
      await sampler.ready;
      const drawn = await sampler.draw({ seed: 0 });
      bar.remove();
      start(figure, sampler, drawn);
    } catch (error) {
      note.textContent = `This browser cannot run it: ${error.message}`;
      button.disabled = false;
    }
  });
}

/** Puts a grid and its controls in the place of a figure's picture. */
function start(figure, sampler, drawn) {
  const { about } = sampler;
  const [, height, width] = about.shape;
  const state = { seed: 0, truncation: 1, label: null };
  const canvases = Array.from({ length: TILES }, () => element("canvas", { width, height, role: "img" }));
  const grid = element("div", { class: "tiles" }, ...canvases);
  const command = element("code", { class: "command" });
  const status = element("span", { class: "quiet", "aria-live": "polite" });
  let walking = false;
  let latest = 0;

  const show = (numbers) => {
    paint(canvases, numbers, about.shape);
    canvases.forEach((canvas, i) => canvas.setAttribute("aria-label", `sample ${i} of seed ${state.seed}`));
    const words = [`ganzoo sample ${about.name} -n ${TILES} --seed ${state.seed}`];
    if (state.label !== null) words.push(`--labels ${/^\S+$/.test(about.classes[state.label]) ? about.classes[state.label] : state.label}`);
    if (state.truncation !== 1) words.push(`--truncation ${state.truncation}`);
    command.textContent = words.join(" ");
  };
  const draw = async (options = {}) => {
    const turn = ++latest;
    const began = performance.now();
    const numbers = await sampler.draw({ ...state, ...options });
    if (turn !== latest) return;
    show(numbers);
    status.textContent = `${TILES} images in ${Math.round(performance.now() - began)} ms`;
  };
  const change = (values) => {
    Object.assign(state, values);
    seed.value = state.seed;
    if (!walking) draw();
  };
  const walk = async () => {
    walking = !walking;
    button.textContent = walking ? "Stop" : "Walk";
    button.setAttribute("aria-pressed", walking);
    let began = performance.now();
    while (walking && figure.isConnected) {
      const t = Math.min(1, (performance.now() - began) / WAY);
      await draw({ to: state.seed + 1, t: t * t * (3 - 2 * t) });
      if (t === 1) {
        state.seed += 1;
        seed.value = state.seed;
        began = performance.now();
      }
      await new Promise(requestAnimationFrame);
    }
  };
  const save = () => {
    const columns = 8;
    const sheet = element("canvas", { width: columns * width, height: (TILES / columns) * height });
    const pen = sheet.getContext("2d");
    canvases.forEach((canvas, i) => pen.drawImage(canvas, (i % columns) * width, Math.floor(i / columns) * height));
    element("a", { href: sheet.toDataURL(), download: `${about.name}-seed-${state.seed}.png` }).click();
  };

  const seed = element("input", {
    type: "number", min: 0, max: 2 ** 31, step: 1, value: 0, inputmode: "numeric",
    onchange: () => change({ seed: Math.max(0, Math.min(2 ** 31, Math.floor(Number(seed.value) || 0))) }),
  });
  const fresh = element("button", { type: "button", class: "md-button md-button--primary", onclick: () => change({ seed: Math.floor(Math.random() * 1e6) }) }, "New samples");
  const button = element("button", { type: "button", class: "md-button", "aria-pressed": false, onclick: walk }, "Walk");
  const controls = [fresh, element("label", {}, "Seed ", seed)];
  if (about.classes.length) {
    const labels = element(
      "select",
      { onchange: (event) => change({ label: event.target.value === "" ? null : Number(event.target.value) }) },
      element("option", { value: "" }, "all in turn"),
      ...about.classes.map((name, i) => element("option", { value: i }, name)),
    );
    controls.push(element("label", {}, "Class ", labels));
  }
  if (about.truncates) {
    const shown = element("output", {}, "1");
    const slider = element("input", {
      type: "range", min: 0, max: 1, step: 0.05, value: 1,
      oninput: (event) => {
        shown.textContent = event.target.value;
        change({ truncation: Number(event.target.value) });
      },
    });
    controls.push(element("label", {}, "Truncation ", slider, shown));
  }
  if (!about.mixed) controls.push(button);
  controls.push(element("button", { type: "button", class: "md-button", onclick: save }, "Save"));

  figure.querySelector("img").replaceWith(grid);
  figure.querySelector("figcaption").replaceChildren("The same picture on your machine: ", command);
  figure.append(element("div", { class: "controls" }, ...controls, status));
  figure.classList.add("drawing");
  figure.sampler = sampler;
  show(drawn);
}

document.querySelectorAll("figure[data-live]").forEach(offer);
