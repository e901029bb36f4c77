/**
 * The MIME tree of a mail, read by mailparser: its splitter finds the parts, its decoders undo transfer encodings and charsets. We
 * only look over its shoulder (the tree is public at run time, though not in its types) and bound what it gathers.
 */
import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { MailParser, type AttachmentStream, type HeaderLines, type Headers, type MessageText } from 'mailparser';
import { bodyStart } from './head.ts';
import { MAX_BODY_CHARS, MAX_HEAD_BYTES, MAX_NESTING, MAX_PARTS } from './limits.ts';
import type { Node } from './structure.ts';
import { block, line } from './text.ts';

export interface TreeNode extends Node {
  /** Path in the tree: `1` for a mail of one part, else `1`, `2`, `2.1` … below the root; empty for a multipart root. */
  readonly partId: string;
  readonly charset: string | null;
  readonly cid: string | null;
  /** Octets after transfer decoding. */
  readonly size: number;
  /** Decoded text of an inline text part; null for everything else. */
  readonly text: string | null;
  readonly children: readonly TreeNode[];
}

export interface MailTree {
  readonly root: TreeNode;
  readonly headers: Headers;
  readonly headerLines: HeaderLines;
  /** False when a limit or a fault ended the reading early: what was read until then is here. */
  readonly complete: boolean;
}

/** Options of the splitter below; `part.ts` must split alike, or its part ids would differ. */
export const splitting = {
  /** An attached mail is one part (RFC 8621 §4.1.4), not a subtree. */
  ignoreEmbedded: true,
  maxHeadSize: MAX_HEAD_BYTES + 1024,
  maxChildNodes: MAX_PARTS,
};

/** mailparser's own node, as far as we look at it. */
interface ParserNode {
  readonly contentType: string | false;
  readonly charset?: string;
  readonly decoder?: { push: (chunk: unknown, encoding?: BufferEncoding) => boolean };
  readonly textContent?: string;
  readonly headers: Headers;
  readonly node: { readonly filename: string | false; readonly disposition: string | false };
  readonly children: readonly ParserNode[];
}
interface ParserInternals {
  tree: ParserNode | false;
  createNode: (node: unknown) => ParserNode;
}

/** What a part's transfer decoder gave out. */
interface Decoded {
  size: number;
  /** The first bytes, for a second look at text whose charset was not true. */
  readonly bytes: Buffer[];
}

/** @param raw with a header that was tamed */
export const readTree = async (raw: Uint8Array): Promise<MailTree> => {
  const { parser, decoded, complete } = await parse(raw);
  const root = parser.tree === false ? null : treeNode(parser.tree, decoded, [], 0);
  return {
    root: root === null || !hasParts(root) ? unsplit(raw) : root,
    headers: parser.headers ?? new Map(),
    headerLines: parser.headerLines ?? [],
    complete,
  };
};

type Parser = MailParser & ParserInternals & { headers?: Headers; headerLines?: HeaderLines };

const parse = (raw: Uint8Array): Promise<{ parser: Parser; decoded: Map<ParserNode, Decoded>; complete: boolean }> =>
  new Promise((resolve) => {
    const options = {
      ...splitting,
      skipHtmlToText: true,
      skipTextToHtml: true,
      skipImageLinks: true,
      skipTextLinks: true,
      keepDeliveryStatus: true,
      checksumAlgo: 'md5',
    };
    // The types know neither the splitter's options nor the tree.
    const parser = new MailParser(options) as Parser;
    const decoded = new Map<ParserNode, Decoded>();
    const createNode = parser.createNode.bind(parser);
    parser.createNode = (node) => {
      const made = createNode(node);
      decoded.set(made, watch(made));
      return made;
    };
    parser.on('data', (data: AttachmentStream | MessageText) => {
      if (data.type !== 'attachment') return;
      data.content.on('end', () => data.release());
      // Typed as a bare Stream; it is a Transform.
      (data.content as Readable).resume();
    });
    parser.once('end', () => resolve({ parser, decoded, complete: true }));
    parser.once('error', () => {
      parser.on('error', () => undefined);
      resolve({ parser, decoded, complete: false });
    });
    parser.end(raw);
  });

const watch = ({ decoder, contentType }: ParserNode): Decoded => {
  const decoded: Decoded = { size: 0, bytes: [] };
  if (decoder === undefined) return decoded;
  const isText = typeof contentType === 'string' && contentType.startsWith('text/');
  const push = decoder.push.bind(decoder);
  decoder.push = (chunk, encoding) => {
    if (chunk instanceof Uint8Array) {
      if (isText && decoded.size < MAX_BODY_CHARS) decoded.bytes.push(Buffer.from(chunk));
      decoded.size += chunk.byteLength;
    }
    return push(chunk, encoding);
  };
  return decoded;
};

const treeNode = (from: ParserNode, decoded: ReadonlyMap<ParserNode, Decoded>, path: readonly number[], depth: number): TreeNode => {
  const type = mediaType(from.contentType, depth === 0);
  const multipart = type.startsWith('multipart/');
  const octets = decoded.get(from);
  const cid = from.headers.get('content-id');
  return {
    partId: path.length === 0 && !multipart ? '1' : path.join('.'),
    type,
    name: typeof from.node.filename === 'string' && from.node.filename !== '' ? line(from.node.filename, 250) : null,
    disposition: multipart ? null : disposition(from.node.disposition),
    charset: from.charset === undefined ? null : line(from.charset, 40).toLowerCase(),
    cid: typeof cid === 'string' ? line(cid.replace(/^[<\s]+|[>\s]+$/g, ''), 250) : null,
    size: octets?.size ?? 0,
    text: from.textContent === undefined ? null : trueText(from.textContent, from.charset, octets?.bytes ?? []),
    children: depth >= MAX_NESTING ? [] : from.children.map((child, at) => treeNode(child, decoded, [...path, at + 1], depth + 1)),
  };
};

/** RFC 2183 §2.8: an unknown one is an attachment. */
const disposition = (value: string | false): 'inline' | 'attachment' | null =>
  value === false ? null : value === 'inline' ? value : 'attachment';

const mediaType = (value: string | false, isRoot: boolean): string => {
  if (value !== false && /^[a-z0-9!#$&^_.+-]{1,80}\/[a-z0-9!#$&^_.+-]{1,80}$/.test(value)) return value;
  // RFC 2045 §5.2: what is not understood is plain text, for a whole mail; a nameless part is a file.
  return isRoot || value === false || value.startsWith('text') ? 'text/plain' : 'application/octet-stream';
};

/**
 * mailparser reads undeclared, unknown and untrue charsets as UTF-8. Where that left replacement characters the bytes are looked at
 * again: software that says ISO-2022-JP and sends 8-bit means another Japanese charset, everything else Windows-1252, in which every
 * byte means something.
 */
const trueText = (text: string, charset: string | undefined, bytes: readonly Buffer[]): string => {
  const all = text.includes('\ufffd') ? Buffer.concat(bytes) : null;
  if (all === null || isUtf8(all)) return block(text, MAX_BODY_CHARS + 1);
  const japanese = /^iso-2022-jp/i.test(charset ?? '');
  const better = japanese
    ? (strictly('euc-jp', all) ?? strictly('shift_jis', all))
    : isGuess(charset)
      ? strictly('windows-1252', all)
      : null;
  return block(better?.replaceAll('\r\n', '\n') ?? text, MAX_BODY_CHARS + 1);
};

const strictly = (charset: string, bytes: Uint8Array): string | null => {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
};

const isGuess = (charset: string | undefined): boolean => {
  if (charset === undefined || /^(us-?ascii|ascii|utf-?8|unknown-8bit|x-unknown|8bit)$/i.test(charset)) return true;
  try {
    void new TextDecoder(charset);
    return false;
  } catch {
    return true;
  }
};

const hasParts = (node: TreeNode): boolean => !node.type.startsWith('multipart/') || node.children.some(hasParts);

/** A mail that says it has parts but shows none: all behind its header is its text. */
const unsplit = (raw: Uint8Array): TreeNode => {
  const body = unsplitBody(raw);
  const bytes = body.subarray(0, MAX_BODY_CHARS + 4);
  return {
    partId: '1',
    type: 'text/plain',
    name: null,
    disposition: null,
    charset: null,
    cid: null,
    size: body.byteLength,
    text: block(new TextDecoder(isUtf8(bytes) ? 'utf-8' : 'windows-1252').decode(bytes).replaceAll('\r\n', '\n'), MAX_BODY_CHARS + 1),
    children: [],
  };
};

export const unsplitBody = (raw: Uint8Array): Uint8Array => raw.subarray(bodyStart(raw));
