import { eventOf } from '@tidings/contracts/events/definition';
import { ReactionAdded, ReactionRemoved } from '@tidings/contracts/events/reaction';

export type { ReactionEvent } from '@tidings/contracts/events/reaction';
export const reactionAdded = eventOf(ReactionAdded);
export const reactionRemoved = eventOf(ReactionRemoved);
