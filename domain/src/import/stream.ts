import type { ImportId } from '@tidings/contracts/ids';

export const category = 'import';
export const importKey = (id: ImportId): string => id;
