/**
 * Who may do what with mail, through HTTP: every mail route × every role × every kind of object. The routes come from the contract, so one
 * without a line here fails the first test.
 */
import type { Draft, Sending, UploadedFile } from '@tidings/contracts/http/drafts';
import type { Contact } from '@tidings/contracts/http/contacts';
import type { Import } from '@tidings/contracts/http/imports';
import { routes } from '@tidings/contracts/http/index';
import type { Label } from '@tidings/contracts/http/labels';
import type { Delivery, Me } from '@tidings/contracts/http/mail-objects';
import type { Comment } from '@tidings/contracts/http/notes';
import type { Route } from '@tidings/contracts/http/route';
import type { Webhook } from '@tidings/contracts/http/webhooks';
import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { joinMailTown, type MailClient, type SharedMailTown } from './mail-kit.ts';

const roles = ['outsider', 'viewer', 'editor', 'sender', 'admin'] as const;
type Role = (typeof roles)[number];
/** How the mailbox that all but outsiders are in has a thread: as its own, shared with it, or not at all. */
const kinds = ['own', 'asViewer', 'asEditor', 'foreign'] as const;
type Kind = (typeof kinds)[number];

interface Target {
  readonly threadId: string;
  readonly emailId: string;
  /** Behind it in the thread. */
  readonly lastId: string;
  /** Where it is to be found, for routes that name a mailbox. */
  readonly mailboxId: string;
  /** Someone who may do anything there. */
  readonly master: MailClient;
}

interface Line {
  /** The least role, with `asViewer` counting as a viewer's; `nobody` stands for what no role in a mailbox allows. */
  readonly least: Exclude<Role, 'outsider'> | 'everybody' | 'nobody';
  /** `mailbox`: own and foreign ones. `thread`: all kinds. `none`: no object of the caller's. */
  readonly on: 'mailbox' | 'thread' | 'none';
  /** Of those who may not: what they get though they see nothing of it (`none`). */
  readonly refusal?: 403 | 404;
  readonly body?: (target: Target) => object;
  readonly query?: (target: Target) => string;
  /** What those who may get, if not 200: the matrix destroys nothing that it needs. */
  readonly allowed?: 404 | 409;
  /** What the path names beside thread, email and mailbox, made anew for each cell. */
  readonly vars?: (target: Target) => Promise<Readonly<Record<string, string>>>;
  /** Only the master, who made it, may. */
  readonly authorOnly?: true;
}

let town: SharedMailTown<Role | 'owner'>;
let target: Record<Kind, Target>;
let own: string;
let third: string;
let label: string;
let outside: string;

const commentVars = async ({ master, threadId }: Target) => ({
  commentId: (await master.ask<Comment>('POST', `/api/threads/${threadId}/comments`, { content: 'x' })).id,
});
const upload = async ({ token }: MailClient, mailboxId: string): Promise<Response> => {
  const body = new FormData();
  body.append('file', new Blob([randomUUID()]), 'x.txt');
  return fetch(`${town.program.httpUrl}/api/blobs?mailboxId=${mailboxId}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body,
  });
};
const blobVars = async ({ master, mailboxId }: Target) => ({
  blobId: ((await (await upload(master, mailboxId)).json()) as UploadedFile).blobId,
});
const contactVars = async ({ master, mailboxId }: Target) => ({
  contactId: (await master.ask<Contact>('POST', `/api/mailboxes/${mailboxId}/contacts`, { email: `${randomUUID()}@elsewhere.test` })).id,
});
const draftVars = async ({ master, mailboxId }: Target) => ({
  draftId: (await master.ask<Draft>('POST', `/api/mailboxes/${mailboxId}/drafts`, {})).id,
});
const sendableVars = async ({ master, mailboxId }: Target) => ({
  draftId: (await master.ask<Draft>('POST', `/api/mailboxes/${mailboxId}/drafts`, { to: [{ email: 'x@elsewhere.test' }] })).id,
});
/** 202 is their yes. */
const submit = async ({ token }: MailClient, mailboxId: string): Promise<number> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'message/rfc822', 'x-rcpt-to': 'x@elsewhere.test' };
  const url = `${town.program.httpUrl}/api/mailboxes/${mailboxId}/submit`;
  const { status } = await fetch(url, { method: 'POST', headers, body: 'From: cell-own@tidings.test\n\nx' });
  return status === 202 ? 200 : status;
};
/** One mail per mailbox that got where it goes, of which there is nothing to try again, to cancel or to dismiss. */
const sentFrom = new Map<string, Promise<string>>();
const sendOne = async ({ master, mailboxId }: Target): Promise<string> => {
  const to = [{ email: outside }];
  const { id } = await master.ask<Draft>('POST', `/api/mailboxes/${mailboxId}/drafts`, { to, text: 'x' });
  const { emailId } = await master.ask<typeof Sending._A>('POST', `/api/drafts/${id}/send`, { undoSeconds: 0 });
  await expect.poll(async () => deliveriesOf(await master.call('GET', `/api/emails/${emailId}/deliveries`)), soon).toEqual(['internal']);
  return emailId;
};
const soon = { timeout: 30_000, interval: 50 };
const deliveriesOf = async (answer: Response): Promise<readonly string[]> => {
  const { content } = (await answer.json()) as { readonly content?: readonly Delivery[] }; // the contract of the route, or a problem until it is sent
  return (content ?? []).map(({ status }) => status);
};
const deliveryVars = async (at: Target) => {
  const emailId = sentFrom.get(at.mailboxId) ?? sendOne(at);
  sentFrom.set(at.mailboxId, emailId);
  return { emailId: await emailId, recipient: outside };
};
const labelVars = async ({ master, mailboxId }: Target) => ({
  labelId: (await master.ask<Label>('POST', `/api/mailboxes/${mailboxId}/labels`, { name: randomUUID() })).id,
});
const templateVars = async () => ({ templateId: randomUUID() });
const account = () => ({ imap: { host: 'imap.invalid', username: 'x', password: randomUUID() } });
/** Ends the one of the cell before: it would be tried for seconds yet, few are worked at together, and others wait for theirs. */
let endImport = async (): Promise<unknown> => undefined;
const importVars = async ({ master, mailboxId }: Target) => {
  await endImport();
  const { id: importId } = await master.ask<Import>('POST', `/api/mailboxes/${mailboxId}/imports`, account());
  endImport = () => master.ask('DELETE', `/api/imports/${importId}`);
  return { importId };
};
const hook = () => ({ url: `https://hooks.example/${randomUUID()}`, events: ['EmailReceived'] });
const hookVars = async ({ master, mailboxId }: Target) => ({
  webhookId: (await master.ask<Webhook>('POST', `/api/mailboxes/${mailboxId}/webhooks`, hook())).id,
  deliveryId: randomUUID(),
});
const ownLabel = async () => ({ labelId: label });
const someone = async () => ({ userId: town.as.outsider.id });
const thirdMailbox = async () => ({ mailboxId: third });
const assignee = async () => ({ userId: town.as.admin.id });
const domain = async () => ({ domain: 'tidings.test', userId: town.as.viewer.id });
const sender = async () => ({ sender: 'spam@elsewhere.test' });

const reading = { least: 'viewer', on: 'mailbox' } as const;
const managing = { least: 'admin', on: 'mailbox' } as const;
const ofDomains = { least: 'nobody', on: 'none', refusal: 404, vars: domain } as const;

const matrix: Readonly<Record<string, Line>> = {
  getMe: { least: 'everybody', on: 'none' },
  listMailboxes: { least: 'everybody', on: 'none' },
  searchMail: { least: 'everybody', on: 'none' },
  openMailbox: {
    ...{ least: 'nobody', on: 'none', refusal: 403 },
    body: () => ({ kind: 'shared', address: `${randomUUID()}@tidings.test`, name: 'x' }),
  },
  listDomains: { least: 'everybody', on: 'none' },
  listDomainMailboxes: ofDomains,
  listDomainAdmins: ofDomains,
  addDomainAdmin: ofDomains,
  removeDomainAdmin: ofDomains,
  getDomainDns: ofDomains,

  getRemoteImage: { ...reading, query: ({ mailboxId }) => `mailboxId=${mailboxId}&url=http://127.0.0.1/x.png` },
  getMailbox: reading,
  listMailboxMembers: reading,
  listThreads: reading,
  getMailboxCounts: reading,
  listLabels: reading,
  listContacts: reading,
  getContact: { ...reading, vars: contactVars },
  getMailboxStorage: reading,
  listBlockedSenders: reading,
  saveContact: { least: 'editor', on: 'mailbox', body: () => ({ email: 'x@elsewhere.test' }) },
  renameContact: { least: 'editor', on: 'mailbox', vars: contactVars, body: () => ({ name: 'X' }) },
  removeContact: { least: 'editor', on: 'mailbox', vars: contactVars },
  createDraft: { least: 'editor', on: 'mailbox', body: () => ({}) },
  listDrafts: reading,
  getDraft: { ...reading, vars: draftVars },
  saveDraft: { least: 'editor', on: 'mailbox', vars: draftVars, body: () => ({ revision: 1, subject: 'x' }) },
  discardDraft: { least: 'editor', on: 'mailbox', vars: draftVars },
  sendDraft: { least: 'sender', on: 'mailbox', vars: sendableVars },
  undoSend: { least: 'sender', on: 'mailbox', vars: draftVars },
  submitMessage: { least: 'sender', on: 'mailbox' },
  listEmailDeliveries: { ...reading, vars: deliveryVars },
  getDeliveryReport: { ...reading, vars: deliveryVars, allowed: 404 },
  retryEmailDelivery: { least: 'sender', on: 'mailbox', vars: deliveryVars, allowed: 409 },
  cancelEmailDelivery: { least: 'sender', on: 'mailbox', vars: deliveryVars, allowed: 409 },
  dismissEmailDelivery: { least: 'sender', on: 'mailbox', vars: deliveryVars, allowed: 409 },
  getAutoreply: { ...reading, allowed: 404 },
  setAutoreply: { ...managing, body: () => ({ text: 'x', isActive: false }) },
  removeAutoreply: managing,
  getReceiptPolicy: reading,
  setReceiptPolicy: { ...managing, body: () => ({ policy: 'ask' }) },
  listTemplates: reading,
  saveTemplate: { ...managing, vars: templateVars, body: () => ({ name: 'x' }) },
  removeTemplate: { ...managing, vars: templateVars },
  listSignatures: reading,
  saveSignature: { ...managing, vars: templateVars, body: () => ({ name: 'x' }) },
  removeSignature: { ...managing, vars: templateVars },
  listDomainSignatures: ofDomains,
  saveDomainSignature: {
    ...ofDomains,
    vars: async () => ({ domain: 'tidings.test', templateId: randomUUID() }),
    body: () => ({ name: 'x' }),
  },
  removeDomainSignature: { ...ofDomains, vars: async () => ({ domain: 'tidings.test', templateId: randomUUID() }) },
  uploadBlob: { least: 'editor', on: 'mailbox' },
  getBlob: { ...reading, vars: blobVars },
  emptyTrash: { least: 'editor', on: 'mailbox' },
  emptySpam: { least: 'editor', on: 'mailbox' },
  flagThreads: {
    ...{ least: 'editor', on: 'mailbox' },
    body: ({ mailboxId, threadId }) => ({ mailboxId, threadIds: [threadId], set: { starred: true } }),
  },
  changeMailbox: { ...managing, body: () => ({ name: 'Renamed' }) },
  closeMailbox: { least: 'nobody', on: 'mailbox' },
  setMailboxMember: { ...managing, vars: async () => ({ userId: town.as.owner.id }), body: () => ({ role: 'viewer' }) },
  removeMailboxMember: { ...managing, vars: someone },
  createLabel: { ...managing, body: () => ({ name: randomUUID() }) },
  changeLabel: { ...managing, vars: labelVars, body: () => ({ color: '#000000' }) },
  deleteLabel: { ...managing, vars: labelVars },
  blockSender: { ...managing, vars: sender },
  unblockSender: { ...managing, vars: sender },
  importMail: { ...managing, body: account },
  listImports: managing,
  getImport: { ...managing, vars: importVars },
  cancelImport: { ...managing, vars: importVars },
  exportMailbox: managing,
  registerMailboxWebhook: { ...managing, body: hook },
  listMailboxWebhooks: managing,
  removeMailboxWebhook: { ...managing, vars: hookVars },
  listMailboxDeliveries: { ...managing, vars: hookVars },
  retryMailboxDelivery: { ...managing, vars: hookVars, allowed: 404 },

  getThread: { least: 'viewer', on: 'thread' },
  listThreadMessages: { least: 'viewer', on: 'thread' },
  getThreadTimeline: { least: 'viewer', on: 'thread' },
  markThreadRead: { least: 'viewer', on: 'thread', body: () => ({ mailboxId: own, upTo: null }) },
  getEmail: { least: 'viewer', on: 'thread' },
  getRawEmail: { least: 'viewer', on: 'thread' },
  getEmailPart: { least: 'viewer', on: 'thread', vars: async () => ({ partId: '1' }) },
  answerReceipt: { least: 'sender', on: 'thread', body: () => ({ mailboxId: own, send: false }), allowed: 409 },
  setKeywords: { least: 'viewer', on: 'thread', body: () => ({ mailboxId: own, set: { $seen: false } }) },
  labelThread: { least: 'editor', on: 'thread', vars: ownLabel },
  unlabelThread: { least: 'editor', on: 'thread', vars: ownLabel },
  postComment: { least: 'editor', on: 'thread', body: () => ({ content: 'x' }) },
  editComment: { least: 'editor', on: 'thread', vars: commentVars, body: () => ({ content: 'y' }), authorOnly: true },
  deleteComment: { least: 'editor', on: 'thread', vars: commentVars, authorOnly: true },
  assignThread: { least: 'editor', on: 'thread', vars: assignee },
  unassignThread: { least: 'editor', on: 'thread', vars: assignee },
  shareThread: { least: 'editor', on: 'thread', vars: thirdMailbox, body: () => ({ role: 'viewer' }) },
  splitThread: { least: 'editor', on: 'thread', body: ({ lastId }) => ({ emailId: lastId }) },
  destroyThread: { least: 'editor', on: 'thread', query: ({ mailboxId }) => `mailboxId=${mailboxId}`, allowed: 409 },
  destroyEmail: { least: 'editor', on: 'thread', query: ({ mailboxId }) => `mailboxId=${mailboxId}`, allowed: 409 },
  unshareThread: { least: 'editor', on: 'thread', vars: thirdMailbox },
};

const MAIL = /^\/api\/(me|mailboxes|threads|emails|comments|drafts|blobs|imports|domains|search|images)(\/|$)/;
const mailRoutes = routes.filter(({ path }) => MAIL.test(path));

beforeAll(async () => {
  town = await joinMailTown([...roles, 'owner']);
  const { admin, outsider, owner } = town.as;
  outside = (await outsider.ask<Me>('GET', '/api/me')).mailboxes[0]?.address ?? '';
  own = await town.openShared('cell-own', { viewer: 'viewer', editor: 'editor', sender: 'sender', admin: 'admin' });
  const other = await town.openShared('cell-other', { owner: 'admin' });
  third = await town.openShared('cell-third', {});
  ({ id: label } = await admin.ask<Label>('POST', `/api/mailboxes/${own}/labels`, { name: 'label' }));
  const mailTo = async (to: string, reader: 'admin' | 'owner', mailboxId: string): Promise<Target> => {
    const messageId = `<${randomUUID()}@elsewhere.test>`;
    const mail = { to: `${to}@tidings.test`, subject: randomUUID(), text: 'x' };
    const { id, threadId } = await town.send(reader, { ...mail, messageId });
    const { id: lastId } = await town.send(reader, { ...mail, text: 'y', inReplyTo: messageId });
    return { emailId: id, lastId, threadId, mailboxId, master: town.as[reader] };
  };
  target = {
    own: await mailTo('cell-own', 'admin', own),
    asViewer: await mailTo('cell-other', 'owner', own),
    asEditor: await mailTo('cell-other', 'owner', own),
    foreign: await mailTo('cell-other', 'owner', other),
  };
  await owner.ask('PUT', `/api/threads/${target.asViewer.threadId}/mailboxes/${own}`, { role: 'viewer' });
  await owner.ask('PUT', `/api/threads/${target.asEditor.threadId}/mailboxes/${own}`, { role: 'editor' });
});

it('has a line for every mail route, and none for others', () => {
  expect(Object.keys(matrix).toSorted()).toEqual(mailRoutes.map(({ id }) => id).toSorted());
});

const rank = (role: Role): number => roles.indexOf(role);

/** What one cell must answer. */
const expected = ({ least, on, refusal = 404, authorOnly, allowed }: Line, role: Role, kind: Kind): number => {
  if (least === 'everybody') return 200;
  if (on === 'none') return refusal;
  if (kind === 'foreign' || role === 'outsider') return 404;
  const counts = kind === 'asViewer' ? 'viewer' : role;
  if (least === 'nobody' || rank(counts) < rank(least)) return 403;
  return authorOnly === true && !(kind === 'own' && role === 'admin') ? 403 : (allowed ?? 200);
};

const ask = async ({ method, path, id }: Route, line: Line, role: Role, kind: Kind): Promise<number> => {
  const at = target[kind];
  const names: Readonly<Record<string, string>> = {
    ...{ threadId: at.threadId, emailId: at.emailId, mailboxId: at.mailboxId },
    ...(await line.vars?.(at)),
  };
  if (id === 'submitMessage') return submit(town.as[role], at.mailboxId);
  if (id === 'uploadBlob') return (await upload(town.as[role], at.mailboxId)).status;
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? `no ${name}`));
  const query = id === 'searchMail' ? 'q=x' : line.query?.(at);
  return town.as[role].status(method, query === undefined ? url : `${url}?${query}`, line.body?.(at));
};

it.each(mailRoutes.map((route) => [route.id, route] as const))('%s', { timeout: 60_000 }, async (id, route) => {
  const line = matrix[id];
  if (line === undefined) throw new Error(`the matrix has no line for ${id}`);
  const objects = line.on === 'thread' ? kinds : line.on === 'mailbox' ? (['own', 'foreign'] as const) : (['own'] as const);
  for (const kind of objects) {
    const answers: number[] = [];
    for (const role of roles) answers.push(await ask(route, line, role, kind));
    expect([id, kind, ...answers]).toEqual([id, kind, ...roles.map((role) => expected(line, role, kind))]);
  }
});
