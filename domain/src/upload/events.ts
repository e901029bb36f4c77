import { eventOf } from '@tidings/contracts/events/definition';
import { BlobUploaded, UploadForgotten } from '@tidings/contracts/events/upload';

export type { UploadEvent } from '@tidings/contracts/events/upload';
export const blobUploaded = eventOf(BlobUploaded);
export const uploadForgotten = eventOf(UploadForgotten);
