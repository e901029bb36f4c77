import { eventOf } from '@tidings/contracts/events/definition';
import {
  ImportCancelled,
  ImportFailed,
  ImportFinished,
  ImportPasswordGiven,
  ImportProgressed,
  ImportRequested,
} from '@tidings/contracts/events/import';

export type { ImportEvent } from '@tidings/contracts/events/import';
export const importRequested = eventOf(ImportRequested);
export const importPasswordGiven = eventOf(ImportPasswordGiven);
export const importProgressed = eventOf(ImportProgressed);
export const importFinished = eventOf(ImportFinished);
export const importFailed = eventOf(ImportFailed);
export const importCancelled = eventOf(ImportCancelled);
