/** Finds the report in a mail. Runs in a worker thread, as all reading of what strangers wrote does. */
import { valuesOf } from '../mime/content.ts';
import { bodyStart, tame } from '../mime/head.ts';
import { readPart } from '../mime/part.ts';
import { textOfHtml } from '../mime/sanitise.ts';
import { readTree, type TreeNode } from '../mime/tree.ts';
import { fatesIn } from './delivery-status.ts';
import { receiptIn } from './disposition.ts';
import { complaintIn } from './feedback.ts';
import { addressIn, first, type Group, groupsOf } from './fields.ts';
import { fatesInWords } from './free-form.ts';
import { isDeliveryStatus, isDisposition, isFeedback, isOriginal } from './parts.ts';
import type { MailReport, Original, RecipientFate } from './report.ts';

/** Null for a mail that is none. */
export const readReport = async (raw: Uint8Array): Promise<MailReport | null> => {
  const { root, headerLines } = await readTree(tame(raw));
  const parts = leavesOf(root);
  const bytesOf = async (is: (type: string) => boolean): Promise<readonly Uint8Array[]> => {
    const found = await Promise.all(parts.filter(({ type }) => is(type)).map(({ partId }) => readPart(raw, partId)));
    return found.filter((bytes) => bytes !== null);
  };
  const said = parts.map(wordsOf).find((words) => words.trim() !== '') ?? '';
  const [copy] = await bytesOf(isOriginal);
  const original = originalIn(copy ?? Buffer.from(said));

  const [feedback] = await bytesOf(isFeedback);
  if (feedback !== undefined) return complaintIn(feedback, original);

  const [disposition] = await bytesOf(isDisposition);
  if (disposition !== undefined) return receiptIn(disposition, original);

  const statuses = await bytesOf(isDeliveryStatus);
  const told = statuses.flatMap((part) => fatesIn(part, said));
  const fates = told.length > 0 ? told : inWords(said, headerLines);
  return fates.length === 0 ? null : { type: 'fates', fates, original };
};

const inWords = (text: string, headers: Parameters<typeof valuesOf>[0]): readonly RecipientFate[] => {
  const failed = valuesOf(headers, 'x-failed-recipients').flatMap((value) => value.split(',').flatMap((one) => addressIn(one) ?? []));
  return fatesInWords({ subject: valuesOf(headers, 'subject').at(-1)?.trim() ?? '', text, failed });
};

const leavesOf = (node: TreeNode): readonly TreeNode[] => (node.children.length === 0 ? [node] : node.children.flatMap(leavesOf));

const wordsOf = ({ type, text }: TreeNode): string => {
  if (text === null || type === 'text/rfc822-headers') return '';
  return type === 'text/html' ? textOfHtml(text) : text;
};

/** Whatever stands in front of it: a copy in the text has sentences there. */
const originalIn = (copy: Uint8Array): Original => {
  const start = bodyStart(copy);
  const groups = groupsOf(copy.subarray(0, Math.max(start, 64 * 1024)));
  const find = (name: string): string | null => groups.map((group: Group) => first(group, name)).find((value) => value !== null) ?? null;
  return { messageId: /<([^<>\s]{1,990})>/.exec(find('message-id') ?? '')?.[1] ?? null, returnPath: addressIn(find('return-path')) };
};
