/** Stream `command-<operationId>`: an idempotency key and the content it stands for (docs/decisions/011). */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { CommandId } from '../ids.ts';
import { defineEvent, eventOf, type EventOf } from './definition.ts';

export const CommandAccepted = defineEvent({
  type: 'CommandAccepted',
  doc: 'A request with an idempotency key was accepted; the same key with other content is refused from now on.',
  data: t.readonly(t.type({ commandId: CommandId, contentHash: text(64, 64) })),
});
export type CommandAccepted = EventOf<typeof CommandAccepted>;
export const commandAccepted = eventOf(CommandAccepted);

export const commandEvents = [CommandAccepted] as const;
