/** Finding codes in pictures: by the browser's own detector where it has one, else by a library. */

interface Detector {
  detect: (source: CanvasImageSource) => Promise<{ rawValue: string }[]>;
}
type DetectorClass = new (options: { formats: string[] }) => Detector;

const SIDE_MAX = 1000;

/** What the library sees in a picture. */
async function byLibrary(source: CanvasImageSource, width: number, height: number): Promise<string | undefined> {
  const { default: jsQR } = await import("jsqr");
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height, 1));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context || canvas.width === 0) return undefined;
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return jsQR(context.getImageData(0, 0, canvas.width, canvas.height).data, canvas.width, canvas.height)?.data || undefined;
}

/** The text of a code in a picture, if one is seen. */
export async function see(source: CanvasImageSource, width: number, height: number): Promise<string | undefined> {
  const Native = (window as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (Native) {
    const found = await new Native({ formats: ["qr_code"] }).detect(source).catch(() => []);
    if (found[0]) return found[0].rawValue;
  }
  return byLibrary(source, width, height);
}

/** The text of a code in a picture's file. */
export async function seeFile(file: Blob): Promise<string | undefined> {
  const picture = await createImageBitmap(file);
  return see(picture, picture.width, picture.height);
}
