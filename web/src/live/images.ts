/** Large images are made smaller before they are sent: Claude would scale them down, and they travel for nothing. */

/** Claude takes an image of this size among any number of others. Source: the Messages API reference, "Vision". */
const LONGEST_EDGE_PX = 2_000;
const QUALITY = 0.9;

/** The file itself if it is no image, no large one, or cannot be read here: then the server says what is wrong. */
export async function madeSmaller(file: File): Promise<Blob> {
  if (!/^image\/(png|jpeg|webp)$/.test(file.type)) {
    return file;
  }
  const bitmap = await createImageBitmap(file).catch(() => null);
  const scale = bitmap === null ? 1 : LONGEST_EDGE_PX / Math.max(bitmap.width, bitmap.height);
  if (bitmap === null || scale >= 1) {
    return file;
  }
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  const context = canvas.getContext("2d");
  if (context === null) {
    return file;
  }
  context.fillStyle = "white"; // a JPEG has nothing to see through
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const made = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, "image/jpeg", QUALITY);
  });
  return made ?? file;
}
