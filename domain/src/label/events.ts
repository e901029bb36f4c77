import { eventOf } from '@tidings/contracts/events/definition';
import { LabelChanged, LabelCreated, LabelDeleted } from '@tidings/contracts/events/label';

export type { LabelEvent } from '@tidings/contracts/events/label';
export const labelCreated = eventOf(LabelCreated);
export const labelChanged = eventOf(LabelChanged);
export const labelDeleted = eventOf(LabelDeleted);
