/** One mail understood: runs in a worker thread, because the bytes may be hostile (`mime.ts` is the way in). */
import { contentOf, type MailSays } from './content.ts';
import { contentHash, tame } from './head.ts';
import { MAX_ALL_BODIES_CHARS, MAX_BODY_CHARS } from './limits.ts';
import { sanitise, textOfHtml, type Cids } from './sanitise.ts';
import { structureOf, type Structure } from './structure.ts';
import { readTree, type TreeNode } from './tree.ts';

export interface BodyValue {
  readonly value: string;
  readonly isTruncated: boolean;
}
/** By part id: text as it reads, HTML sanitised with `part-links.ts` in it. */
export type Bodies = Readonly<Record<string, BodyValue>>;

export interface ParsedMail extends MailSays {
  /** The first characters of its text, for a preview. */
  readonly opening: string;
  readonly bodies: Bodies;
  /** Equal for two copies of one mail that came by different ways. */
  readonly contentHash: string;
  /** What kept it from being read in full; null when nothing did. */
  readonly fault: string | null;
}

export const readMail = async (raw: Uint8Array): Promise<ParsedMail> => {
  const { root, headers, headerLines, complete } = await readTree(tame(raw));
  const structure = structureOf(root);
  const bodies = bodiesOf(structure, cidsOf(root));
  return {
    ...contentOf(headers, headerLines, structure),
    opening: opening(structure, bodies),
    bodies,
    contentHash: contentHash(raw),
    fault: complete ? null : 'the MIME structure is over a limit or broken',
  };
};

const bodiesOf = (structure: Structure<TreeNode>, cids: Cids): Bodies => {
  const bodies: Record<string, BodyValue> = {};
  let room = MAX_ALL_BODIES_CHARS;
  for (const { partId, type, text } of [...structure.textBody, ...structure.htmlBody]) {
    if (text === null || partId in bodies) continue;
    const max = Math.min(MAX_BODY_CHARS, room);
    const given = text.length > max ? text.slice(0, max).toWellFormed() : text;
    const value = type === 'text/html' ? sanitise(given, cids) : given;
    bodies[partId] = { value, isTruncated: text.length > max };
    room -= given.length;
  }
  return bodies;
};

const cidsOf = (root: TreeNode): Cids => {
  const cids = new Map<string, string>();
  const visit = (node: TreeNode): void => {
    // The first of several with one id, as mail programs do.
    if (node.cid !== null && node.type.startsWith('image/') && !cids.has(node.cid)) cids.set(node.cid, node.partId);
    for (const child of node.children) visit(child);
  };
  visit(root);
  return cids;
};

/** Of HTML, whose first thousands of characters may be markup alone. */
const SAMPLE_CHARS = 20_000;
const OPENING_CHARS = 4_000;

const opening = (structure: Structure<TreeNode>, bodies: Bodies): string => {
  for (const { partId, type } of structure.textBody) {
    const sample = bodies[partId]?.value.slice(0, SAMPLE_CHARS) ?? '';
    const text = type === 'text/html' ? textOfHtml(sample) : sample;
    if (text.trim() !== '') return text.slice(0, OPENING_CHARS).toWellFormed();
  }
  return '';
};
