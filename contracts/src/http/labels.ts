/** Labels of a mailbox, which nest by their names, and labels on threads (mail-contract §3). */
import * as t from 'io-ts';
import { nullable } from '../codec.ts';
import { Color, LabelDescription, LabelName } from '../events/label.ts';
import { LabelId, MailboxId, ThreadId } from '../ids.ts';
import { Thread } from './mail-objects.ts';
import { defineRoute, type Route } from './route.ts';

export const DEFAULT_LABEL_COLOR = '#E3E3FD';

export const Label = t.readonly(
  t.type({
    id: LabelId,
    /** The whole path: `a/b` is `b` under `a`. */
    name: t.string,
    color: t.string,
    description: nullable(t.string),
    /** May be put on mail by what understands its content, not by people alone. */
    auto: t.boolean,
  }),
);
export type Label = t.TypeOf<typeof Label>;

const looks = { color: Color, description: nullable(LabelDescription), auto: t.boolean };
const mailboxParams = t.readonly(t.type({ mailboxId: MailboxId }));
const labelParams = t.readonly(t.type({ mailboxId: MailboxId, labelId: LabelId }));

export const listLabels = defineRoute({
  id: 'listLabels',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/labels',
  tag: 'Labels',
  summary: 'All labels of a mailbox, by name.',
  params: mailboxParams,
  response: t.readonly(t.type({ content: t.readonlyArray(Label) })),
  errors: [404],
});

export const createLabel = defineRoute({
  id: 'createLabel',
  method: 'POST',
  path: '/api/mailboxes/{mailboxId}/labels',
  tag: 'Labels',
  summary: 'Makes a label, and those above it that are missing. For admins of the mailbox.',
  params: mailboxParams,
  body: t.readonly(t.intersection([t.type({ name: LabelName }), t.partial(looks)])),
  response: Label,
  errors: [403, 404, 409, 422],
});

export const changeLabel = defineRoute({
  id: 'changeLabel',
  method: 'PATCH',
  path: '/api/mailboxes/{mailboxId}/labels/{labelId}',
  tag: 'Labels',
  summary: 'Changes a label; what is below it goes along to its new name. For admins of the mailbox.',
  params: labelParams,
  body: t.readonly(t.partial({ name: LabelName, ...looks })),
  response: Label,
  errors: [403, 404, 409],
});

export const deleteLabel = defineRoute({
  id: 'deleteLabel',
  method: 'DELETE',
  path: '/api/mailboxes/{mailboxId}/labels/{labelId}',
  tag: 'Labels',
  summary: 'Deletes a label and those below it, and takes them from all threads. For admins of the mailbox.',
  params: labelParams,
  errors: [403, 404],
});

const onThread = {
  tag: 'Labels',
  params: t.readonly(t.type({ threadId: ThreadId, labelId: LabelId })),
  response: Thread,
  errors: [403, 404, 409],
} as const;

export const labelThread = defineRoute({
  id: 'labelThread',
  method: 'PUT',
  path: '/api/threads/{threadId}/labels/{labelId}',
  summary: 'Puts a label of a mailbox on a thread that is in it. For editors.',
  ...onThread,
});

export const unlabelThread = defineRoute({
  id: 'unlabelThread',
  method: 'DELETE',
  path: '/api/threads/{threadId}/labels/{labelId}',
  summary: 'Takes a label from a thread. For editors.',
  ...onThread,
});

export const labelRoutes: readonly Route[] = [listLabels, createLabel, changeLabel, deleteLabel, labelThread, unlabelThread];
