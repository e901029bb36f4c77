import { eventOf } from '@tidings/contracts/events/definition';
import { MediaUploaded } from '@tidings/contracts/events/media';

export type { MediaEvent } from '@tidings/contracts/events/media';
export const mediaUploaded = eventOf(MediaUploaded);
