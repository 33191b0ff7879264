/** What a cashier hears: made by the browser, so that it needs no file and no network. */

let context: AudioContext | undefined;

/** Browsers play sound only after a first touch: call it from one. */
export function wakeSound() {
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
}

function tone(hertz: number, after: number, seconds: number, loudness: number) {
  if (!context || context.state !== "running") return;
  const start = context.currentTime + after;
  const volume = context.createGain();
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(loudness, start + 0.01);
  volume.gain.exponentialRampToValueAtTime(0.0001, start + seconds);
  const voice = context.createOscillator();
  voice.frequency.value = hertz;
  voice.connect(volume).connect(context.destination);
  voice.start(start);
  voice.stop(start + seconds);
}

/** Two rising notes: the money is there. */
export function soundPaid() {
  tone(880, 0, 0.18, 0.3);
  tone(1318.5, 0.14, 0.4, 0.3);
}

/** One low note, twice: look at the screen. */
export function soundFailed() {
  tone(220, 0, 0.22, 0.35);
  tone(220, 0.3, 0.3, 0.35);
}

/** A short click: something was scanned. */
export function soundScanned() {
  tone(1760, 0, 0.06, 0.12);
}
