/** What a picture may cost. A bomb is small as a file and huge as pixels, so pixels are counted before any is decoded. */

/** Of all frames together. The largest phone cameras give 48 million. */
export const MAX_PIXELS = 50_000_000;
/** Encoders of some formats take no more (WebP: 16,383). */
export const MAX_SIDE = 16_000;
/** Longer than the slowest picture within `MAX_PIXELS` takes on a slow core. */
export const TIME_LIMIT_MS = 30_000;
/** Of the process that decodes: writable memory, native too. Enough for `MAX_PIXELS` of 16-bit RGBA that must be turned. */
export const MEMORY_LIMIT_MB = 1024;
/** A room's picture is a square of this side. */
export const ROOM_IMAGE_SIDE = 500;
