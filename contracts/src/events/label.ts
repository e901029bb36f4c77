/** Stream `labels-<mailboxId>`: the labels of a mailbox, in one stream so that a name is there once. */
import * as t from 'io-ts';
import { nullable, text } from '../codec.ts';
import { described } from '../json-schema.ts';
import { LabelId, MailboxId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

/** The whole path, `a/b` for `b` under `a`. */
export const LabelName = text(1, 255);
export const LabelDescription = text(1, 1000);

const HEX_COLOR = /^#[0-9A-Fa-f]{6}$/;
export const Color = described(
  new t.Type<string>(
    'Color',
    (u): u is string => typeof u === 'string' && HEX_COLOR.test(u),
    (u, c) => (typeof u === 'string' && HEX_COLOR.test(u) ? t.success(u) : t.failure(u, c, 'must be a colour like #E3E3FD')),
    t.identity,
  ),
  { type: 'string', pattern: HEX_COLOR.source },
);

const label = {
  mailboxId: MailboxId,
  labelId: LabelId,
  name: sealed(LabelName),
  color: Color,
  description: sealed(nullable(LabelDescription)),
  /** May be put on mail by what understands its content, not by people alone. */
  auto: t.boolean,
  by: UserId,
};
const personal = [{ subject: 'mailboxId', fields: ['name', 'description'] }];

export const LabelCreated = defineEvent({
  type: 'LabelCreated',
  doc: 'A mailbox has a new label.',
  data: t.readonly(t.type(label)),
  personal,
});
export type LabelCreated = EventOf<typeof LabelCreated>;

export const LabelChanged = defineEvent({
  type: 'LabelChanged',
  doc: 'A label has another name (perhaps because one above it has), colour or description; all of it as it is now.',
  data: t.readonly(t.type(label)),
  personal,
});
export type LabelChanged = EventOf<typeof LabelChanged>;

export const LabelDeleted = defineEvent({
  type: 'LabelDeleted',
  doc: 'A label is gone, from all threads too.',
  data: t.readonly(t.type({ mailboxId: MailboxId, labelId: LabelId, by: UserId })),
});
export type LabelDeleted = EventOf<typeof LabelDeleted>;

export const labelEvents = [LabelCreated, LabelChanged, LabelDeleted] as const;
export type LabelEvent = EventOf<(typeof labelEvents)[number]>;
