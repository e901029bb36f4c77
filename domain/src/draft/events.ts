import { eventOf } from '@tidings/contracts/events/definition';
import { DraftDiscarded, DraftDispatched, DraftSaved, DraftSendUndone, DraftSubmitted } from '@tidings/contracts/events/draft';

export type { DraftEvent } from '@tidings/contracts/events/draft';
export const draftSaved = eventOf(DraftSaved);
export const draftDiscarded = eventOf(DraftDiscarded);
export const draftSubmitted = eventOf(DraftSubmitted);
export const draftSendUndone = eventOf(DraftSendUndone);
export const draftDispatched = eventOf(DraftDispatched);
