/** Commands that one request runs beside its main one. */
import { derivedId, type CommandId } from '@tidings/contracts/ids';
import type { CommandContext } from '@tidings/infra/event-store/event-store';

/** A command id of its own, the same on every retry, so that two commands of one request never share event ids. */
export const besides = (context: CommandContext, what: string): CommandContext => ({
  ...context,
  commandId: derivedId<CommandId>('beside', context.commandId, what),
});
