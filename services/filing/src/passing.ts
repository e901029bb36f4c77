/** Which faults pass by themselves. Only what surely does not is held against a single mail. */
import { BlobNotFound } from '@tidings/contracts/ports/blob-store';
import { EventTooLarge } from '@tidings/contracts/ports/event-log';
import { InvalidEvent, UnreadableStream } from '@tidings/infra/event-store/store';

export const isPassing = (error: unknown): boolean =>
  !(error instanceof BlobNotFound || error instanceof EventTooLarge || error instanceof InvalidEvent || error instanceof UnreadableStream);
