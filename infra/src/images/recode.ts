/**
 * Pictures decoded and encoded anew by libvips. What comes out is pixels in sRGB and nothing else: no EXIF (where it was taken, by which
 * camera), no comments, no thumbnails, nothing behind the end of the picture. Runs in the image process only.
 */
import sharp, { type GifOptions, type JpegOptions, type Sharp, type SharpOptions, type WebpOptions } from 'sharp';
import type { JobResult, Picture } from './jobs.ts';
import { MAX_PIXELS, MAX_SIDE, ROOM_IMAGE_SIDE, TIME_LIMIT_MS } from './limits.ts';

// Only the decoders of the formats we take: an SVG, PDF or TIFF in the clothes of a picture finds nobody who understands it.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpegFile',
    'VipsForeignLoadPngFile',
    'VipsForeignLoadWebpFile',
    'VipsForeignLoadNsgifFile',
    'VipsForeignLoadHeifFile',
  ],
});
// One picture at a time, each seen once.
sharp.cache(false);
sharp.concurrency(1);

/** `error` refuses pictures that end early or do not decode, and lets pass what every viewer shows, such as stray bytes between markers. */
const careful: SharpOptions = { failOn: 'error', limitInputPixels: MAX_PIXELS };
const time = { seconds: TIME_LIMIT_MS / 1000 };
const WHITE = '#ffffff';

/** A square cut from the middle; a picture that is smaller than the square on either side stays whole. */
export const recodeRoomImage = (from: string, to: string): Promise<JobResult> =>
  refusing(async () => {
    const { autoOrient } = await measured(from);
    const isLarge = autoOrient.width >= ROOM_IMAGE_SIDE && autoOrient.height >= ROOM_IMAGE_SIDE;
    const picture = sharp(from, { ...careful, autoOrient: true })
      .timeout(time)
      .flatten({ background: WHITE });
    const framed = isLarge ? picture.resize(ROOM_IMAGE_SIDE, ROOM_IMAGE_SIDE, { fit: 'cover', position: 'centre' }) : picture;
    return written(framed.jpeg(ENCODERS.jpeg), to, 'image/jpeg');
  });

/** In its own format as far as browsers show it, with all its frames. */
export const recodeMedia = (from: string, to: string): Promise<JobResult> =>
  refusing(async () => {
    const { format, hasAlpha, pages = 1 } = await measured(from);
    // Frames lie below each other then, and are not to be turned as one.
    const moves = pages > 1 && (format === 'gif' || format === 'webp');
    const picture = sharp(from, { ...careful, ...(moves ? { animated: true } : { autoOrient: true }) }).timeout(time);
    const as = targetOf(format, hasAlpha);
    return written(picture.toFormat(as, ENCODERS[as]), to, `image/${as}`);
  });

type Target = 'jpeg' | 'png' | 'gif' | 'webp';
const ENCODERS: Readonly<Record<Target, JpegOptions | WebpOptions | GifOptions>> = {
  jpeg: { quality: 85 },
  png: {},
  gif: { effort: 3 },
  webp: { quality: 85, effort: 2 },
};

/** AVIF (what decodes of `heif`) becomes something else, because encoding it takes minutes. */
const targetOf = (format: string, hasAlpha: boolean): Target => {
  if (format === 'png' || format === 'gif' || format === 'webp') return format;
  return hasAlpha ? 'webp' : 'jpeg';
};

/** Of the header alone. @throws Refusal */
const measured = async (from: string): Promise<Awaited<ReturnType<Sharp['metadata']>>> => {
  const facts = await sharp(from, careful).metadata();
  const { width, height, pages = 1 } = facts;
  if (width > MAX_SIDE || height > MAX_SIDE) throw new Refusal(`must be at most ${MAX_SIDE} pixels wide and high`);
  if (width * height * pages > MAX_PIXELS) throw new Refusal(TOO_MANY_PIXELS);
  return facts;
};

const TOO_MANY_PIXELS = `must have at most ${MAX_PIXELS / 1_000_000} million pixels, all frames together`;

const written = async (picture: Sharp, to: string, mimeType: string): Promise<Picture> => {
  const { width, height, pageHeight = height } = await picture.toFile(to);
  return { mimeType, width, height: pageHeight };
};

class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** What libvips says of a broken picture is for programmers; the caller hears what to do. */
const refusing = async (recode: () => Promise<Picture>): Promise<JobResult> => {
  try {
    return { type: 'picture', picture: await recode() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { type: 'refused', reason: error instanceof Refusal ? error.message : reasonOf(error.message) };
  }
};

const reasonOf = (said: string): string => {
  if (/pixel limit/i.test(said)) return TOO_MANY_PIXELS;
  if (/timeout/i.test(said)) return 'takes too long to decode';
  if (/memory/i.test(said)) return 'takes too much memory to decode';
  return 'cannot be decoded as a picture';
};
