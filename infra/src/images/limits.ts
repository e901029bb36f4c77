/** What a picture may cost. A bomb is small as a file and huge as pixels, so pixels are counted before any is decoded. */

/** Of all frames together. The largest phone cameras give 48 million. */
export const MAX_PIXELS = 50_000_000;
/** Encoders of some formats take no more (WebP: 16,383). */
export const MAX_SIDE = 16_000;
/** Longer than the slowest picture within `MAX_PIXELS` takes on a slow core. */
export const TIME_LIMIT_MS = 30_000;
/**
 * Of the process that decodes: writable memory, native too, of which Node takes 0.6 GB on paper. A progressive JPEG of `MAX_PIXELS` that must
 * be turned needs the most of what is common.
 */
export const MEMORY_LIMIT_MB = 2048;
/** A room's picture is a square of this side. */
export const ROOM_IMAGE_SIDE = 500;
