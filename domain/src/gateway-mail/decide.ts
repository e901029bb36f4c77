/**
 * One mail that came in by the gateway. It is settled once, and where it belongs to a conversation, that is said with it; one that is held is settled once
 * more when a member has confirmed it.
 */
import type { MailMapped } from '@tidings/contracts/events/gateway';
import type { GatewayMailReceived, GatewayMailSettled } from '@tidings/contracts/events/gateway-mail';
import type { GatewayMailId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import {
  gatewayMailReceived,
  gatewayMailSettled,
  heldMailConfirmed,
  heldMailRefused,
  mailMapped,
  type GatewayMailEvent,
} from './events.ts';
import type { State } from './state.ts';

export type Command =
  | { readonly type: 'ReceiveGatewayMail'; readonly mail: GatewayMailReceived['data'] }
  | {
      readonly type: 'SettleGatewayMail';
      readonly settled: Omit<GatewayMailSettled['data'], 'senderId'>;
      /** As what it counts in its conversation; null for a mail that is in none. */
      readonly mapped: MailMapped['data'] | null;
    }
  | { readonly type: 'ConfirmHeldMail'; readonly mailId: GatewayMailId; readonly by: UserId }
  | { readonly type: 'RefuseHeldMail'; readonly mailId: GatewayMailId; readonly by: UserId };

export type Rejection =
  | { readonly type: 'NoSuchGatewayMail'; readonly mailId: GatewayMailId }
  | { readonly type: 'MailNotHeld'; readonly mailId: GatewayMailId }
  /** Somebody said otherwise before. */
  | { readonly type: 'HeldMailDecided'; readonly decision: 'confirmed' | 'refused' };

export const decide = (command: Command, state: State): Either<Rejection, readonly GatewayMailEvent[]> => {
  if (command.type === 'ReceiveGatewayMail') return right(state.kind === 'none' ? [gatewayMailReceived(command.mail)] : []);
  if (command.type === 'SettleGatewayMail') {
    const { settled, mapped } = command;
    if (state.kind === 'none') return left({ type: 'NoSuchGatewayMail', mailId: settled.mailId });
    const waits =
      state.settled === null || (state.settled.outcome === 'held' && state.decision === 'confirmed' && settled.outcome !== 'held');
    if (!waits) return right([]);
    return right([...(mapped === null ? [] : [mailMapped(mapped)]), gatewayMailSettled({ ...settled, senderId: state.mail.senderId })]);
  }
  const { mailId, by } = command;
  if (state.kind === 'none') return left({ type: 'NoSuchGatewayMail', mailId });
  const decision = command.type === 'ConfirmHeldMail' ? 'confirmed' : 'refused';
  if (state.decision !== null) return state.decision === decision ? right([]) : left({ type: 'HeldMailDecided', decision: state.decision });
  if (state.settled?.outcome !== 'held') return left({ type: 'MailNotHeld', mailId });
  const decided = { mailId, senderId: state.mail.senderId, by };
  return right([decision === 'confirmed' ? heldMailConfirmed(decided) : heldMailRefused(decided)]);
};
