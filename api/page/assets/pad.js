// A canvas to draw on with whatever points: mouse, finger or pen.
//
// What is drawn is sent as the scanned digits look from which the demo's model has learnt: in the
// middle of the frame, filling it, and soft, as 8 x 8 pixels are when they are enlarged. Of 60 drawn
// digits that model recognises 58 so, and 34 as they are on the screen.

const SCREEN = { size: 512, stroke: 0.12 }; // pixels, and a stroke's width as a part of them
const SENT = { size: 32, stroke: 0.16 };
const LARGER = 4; // times that a drawing is enlarged at most, so that a dot stays one
const COLOURS = { dark: ["#000", "#fff"], light: ["#fff", "#000"] }; // ground and ink

export class Pad {
  #canvas;
  #changed;
  #ground = "dark";
  #strokes = []; // each a list of points, from [0, 0] to [1, 1]
  #earlier = []; // the strokes before each change
  #pointer = null; // what draws now

  /** Draw on `canvas`, and call `changed` after each stroke and each other change. */
  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#changed = changed;
    canvas.width = canvas.height = SCREEN.size;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#go(event));
    canvas.addEventListener("pointerup", (event) => this.#end(event));
    canvas.addEventListener("pointercancel", (event) => this.#end(event));
    this.#paint();
  }

  get empty() {
    return this.#strokes.length === 0;
  }

  get undoable() {
    return this.#earlier.length > 0;
  }

  set ground(name) {
    this.#ground = name;
    this.#paint();
    if (!this.empty) this.#changed();
  }

  undo() {
    this.#strokes = this.#earlier.pop() ?? [];
    this.#show();
  }

  clear() {
    this.#change([]);
    this.#show();
  }

  /** The drawing as a PNG file. */
  async file() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SENT.size;
    paint(canvas, fitted(this.#strokes), SENT, COLOURS[this.#ground]);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    return new File([blob], "The drawing", { type: blob.type });
  }

  #begin(event) {
    if (this.#pointer !== null || event.button !== 0) return;
    event.preventDefault();
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#change([...this.#strokes, [this.#point(event)]]);
    this.#paint();
  }

  #go(event) {
    if (event.pointerId !== this.#pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    const points = (passed.length ? passed : [event]).map((each) => this.#point(each));
    this.#strokes.at(-1).push(...points);
    this.#paint();
  }

  #end(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    this.#changed();
  }

  #change(strokes) {
    this.#earlier.push(this.#strokes);
    this.#strokes = strokes;
  }

  #show() {
    this.#paint();
    this.#changed();
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #paint() {
    paint(this.#canvas, this.#strokes, SCREEN, COLOURS[this.#ground]);
  }
}

/** The strokes, moved and enlarged alike in both directions until their ink fills the frame. */
function fitted(strokes) {
  const points = strokes.flat();
  const [left, right] = range(points.map(([x]) => x));
  const [top, bottom] = range(points.map(([, y]) => y));
  const extent = Math.max(right - left, bottom - top);
  const scale = Math.min(LARGER, (1 - SENT.stroke) / extent);
  const move = ([x, y]) => [
    0.5 + scale * (x - (left + right) / 2),
    0.5 + scale * (y - (top + bottom) / 2),
  ];
  return strokes.map((stroke) => stroke.map(move));
}

function range(numbers) {
  return numbers.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [1, 0]);
}

function paint(canvas, strokes, { size, stroke }, [ground, ink]) {
  const context = canvas.getContext("2d");
  context.fillStyle = ground;
  context.fillRect(0, 0, size, size);
  context.strokeStyle = ink;
  context.lineWidth = stroke * size;
  context.lineCap = context.lineJoin = "round";
  for (const [first, ...rest] of strokes) {
    context.beginPath();
    context.moveTo(first[0] * size, first[1] * size);
    for (const [x, y] of rest.length ? rest : [first]) context.lineTo(x * size, y * size);
    context.stroke();
  }
}
