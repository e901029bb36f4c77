/**
 * What webhooks asked for, done to a mail that was just filed. Done again after a crash it changes nothing; what cannot be done (a label too many, someone
 * who may not take care of the thread) is passed by, since the mail is filed and nobody waits for an answer.
 */
import { DEFAULT_LABEL_COLOR } from '@tidings/contracts/http/labels';
import { derivedId, type CommandId, type EmailId, type LabelId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import { may } from '@tidings/domain/authorization/may';
import { label, labelsKey } from '@tidings/domain/label/index';
import { mailbox, mailboxKey, roleOf } from '@tidings/domain/mailbox/index';
import { accessOf, thread, type ThreadCommand, threadKey } from '@tidings/domain/thread/index';
import type { Commands } from '@tidings/infra/commands/commands';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import * as E from 'fp-ts/lib/Either.js';
import type { HookActions } from './checks.ts';

export interface Filed {
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly threadId: ThreadId;
  /** Of its filing. */
  readonly context: CommandContext;
}

/** @throws for outages */
export const applyActions = async (commands: Commands, filed: Filed, all: readonly HookActions[]): Promise<void> => {
  for (const actions of all) {
    const wanted = [
      ...(await labelling(commands, filed, actions)),
      ...(await assigning(commands, filed, actions)),
      ...marking(filed, actions),
    ];
    for (const command of wanted) await commands.transact(thread, threadKey(filed.threadId), command, contextOf(filed, command));
  }
};

/** The same for every try. */
const contextOf = ({ mailboxId, emailId, context }: Filed, what: object): CommandContext => ({
  ...context,
  commandId: derivedId<CommandId>('filing-action', mailboxId, emailId, JSON.stringify(what)),
});

const labelling = async (commands: Commands, filed: Filed, { labels, by }: HookActions): Promise<readonly ThreadCommand[]> => {
  const { mailboxId, threadId } = filed;
  const found: ThreadCommand[] = [];
  for (const name of new Set(labels)) {
    const labelId = await labelNamed(commands, filed, name, by);
    if (labelId !== null) found.push({ type: 'LabelThread', threadId, mailboxId, labelId, labelled: true, by });
  }
  return found;
};

/** Null for what is no name, or one more than a mailbox can have. */
const labelNamed = async (commands: Commands, filed: Filed, name: string, by: HookActions['by']): Promise<LabelId | null> => {
  const { mailboxId, emailId } = filed;
  const labelId = derivedId<LabelId>('filing-label', mailboxId, emailId, name);
  const looks = { color: DEFAULT_LABEL_COLOR, description: null, auto: false };
  const command = { type: 'CreateLabel', mailboxId, labelId, name, ...looks, by } as const;
  const made = await commands.transact(label, labelsKey(mailboxId), command, contextOf(filed, command));
  if (E.isRight(made)) return labelId;
  return made.left.type === 'LabelExists' ? made.left.labelId : null;
};

const assigning = async (commands: Commands, filed: Filed, { assignTo, by }: HookActions): Promise<readonly ThreadCommand[]> => {
  if (assignTo.length === 0) return [];
  const { mailboxId, threadId } = filed;
  const [{ state: members }, { state: held }] = await Promise.all([
    commands.load(mailbox, mailboxKey(mailboxId)),
    commands.load(thread, threadKey(threadId)),
  ]);
  const access = accessOf(held, mailboxId);
  return [...new Set(assignTo)]
    .filter((userId) => may({ isAdmin: false }, 'assign', { kind: 'thread', links: [{ role: roleOf(members, userId), access }] }))
    .map((userId) => ({ type: 'AssignThread', threadId, userId, by }));
};

const marking = ({ mailboxId, emailId, threadId }: Filed, { read, starred, by }: HookActions): readonly ThreadCommand[] => [
  ...(read ? [{ type: 'SetKeywords', threadId, mailboxId, emailId, set: { $seen: true }, by } as const] : []),
  ...(starred ? [{ type: 'SetThreadFlags', threadId, mailboxId, set: { starred: true }, by } as const] : []),
];
