/** Templates and signatures, by whose they are. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MailboxClosed } from '@tidings/contracts/events/mailbox';
import type { TemplateEvent } from '@tidings/contracts/events/template';
import { oneOf } from '@tidings/contracts/codec';
import type { Template } from '@tidings/contracts/http/templates';
import { type MailboxId, TemplateId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { isShredded } from '@tidings/contracts/sealed';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { storable } from '../chat-view/people.ts';
import { tableIn } from '../chat-view/tables.ts';

/** `owner` is a mailbox's id or the name of a domain. */
const tables = (schema: string): string => `
  create table ${schema}.template (
    owner text collate "C" not null,
    template_id uuid not null,
    kind text not null,
    name text not null,
    subject text not null,
    text text not null,
    html text not null,
    is_active boolean not null,
    is_forced boolean not null,
    is_default boolean not null,
    primary key (owner, template_id)
  );`;

export const templates: Projection = {
  name: 'templates',
  version: 1,
  handles: ['TemplateSaved', 'TemplateRemoved', 'DomainTemplateSaved', 'DomainTemplateRemoved', 'MailboxClosed'],
  tables,
  // People write these one by one: one statement each keeps the order simple.
  apply: async (page, tx) => {
    for (const event of page) if (isHandled(event)) await applyOne(event, tx);
  },
};

type Handled = Recorded<TemplateEvent | MailboxClosed>;
const isHandled = (event: Recorded): event is Handled => templates.handles.includes(event.type);

/** Primary key. */
const applyOne = async ({ type, data }: Handled, tx: ProjectionTx): Promise<void> => {
  const { schema } = tx;
  const owner = 'domain' in data ? data.domain : data.mailboxId;
  if (type === 'MailboxClosed') {
    await tx.query(`delete from ${schema}.template where owner = $1`, [owner]);
    return;
  }
  if (type === 'TemplateRemoved' || type === 'DomainTemplateRemoved') {
    await tx.query(`delete from ${schema}.template where owner = $1 and template_id = $2`, [owner, data.templateId]);
    return;
  }
  const { templateId, kind, isActive, isForced, isDefault, content } = data;
  if (isShredded(content)) return; // its mailbox is about to be closed
  const { name, subject, text, html } = content;
  await tx.query(
    `insert into ${schema}.template (owner, template_id, kind, name, subject, text, html, is_active, is_forced, is_default)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (owner, template_id) do update set name = excluded.name, subject = excluded.subject, text = excluded.text,
       html = excluded.html, is_active = excluded.is_active, is_forced = excluded.is_forced, is_default = excluded.is_default`,
    [owner, templateId, kind, ...[name, subject, text, html].map(storable), isActive, isForced, isDefault],
  );
};

const TemplateRow = t.readonly(
  t.type({
    ...{ id: TemplateId, owner: t.string, name: t.string, subject: t.string, text: t.string, html: t.string },
    ...{ isActive: t.boolean, isForced: t.boolean, isDefault: t.boolean, kind: oneOf('message', 'signature') },
  }),
);
type TemplateRow = t.TypeOf<typeof TemplateRow>;

/** Those of one kind of these owners, by name. Primary key. */
export const templatesOf = (schema: string, owners: readonly (MailboxId | string)[], kind: TemplateRow['kind']) => sql.type(
  rows(TemplateRow),
)`
  select template_id as id, owner, kind, name, subject, text, html, is_active as "isActive", is_forced as "isForced", is_default as "isDefault"
  from ${tableIn(schema, 'template')} where owner = any(${sql.array(owners, 'text')}) and kind = ${kind} order by lower(name), template_id`;

/** @param domain whose name makes it one of a domain */
export const templateView = ({ owner, kind: _kind, ...row }: TemplateRow, domain: string | null): Template => ({
  ...row,
  scope: owner === domain ? 'domain' : 'mailbox',
});
