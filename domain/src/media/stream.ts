import type { MediaId } from '@tidings/contracts/ids';

export const category = 'media';
export const mediaKey = (media: MediaId): string => media;
