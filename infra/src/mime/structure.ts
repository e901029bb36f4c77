/** Which parts are the text, the HTML and the attachments: the algorithm of RFC 8621 §4.1.4, kept close to its text. */
import { MAX_NESTING } from './limits.ts';

/** What the algorithm looks at. */
export interface Node {
  /** Lower-case media type. */
  readonly type: string;
  readonly name: string | null;
  readonly disposition: string | null;
  readonly children: readonly Node[];
}

export interface Structure<N extends Node> {
  readonly textBody: readonly N[];
  readonly htmlBody: readonly N[];
  readonly attachments: readonly N[];
}

export const structureOf = <N extends Node & { readonly children: readonly N[] }>(root: N): Structure<N> => {
  const found = { textBody: [] as N[], htmlBody: [] as N[], attachments: [] as N[] };
  walk([root], 'mixed', false, found.htmlBody, found.textBody, found.attachments, 0);
  return found;
};

const isInlineMedia = (type: string): boolean => /^(image|audio|video)\//.test(type);

const walk = <N extends Node & { readonly children: readonly N[] }>(
  parts: readonly N[],
  multipartType: string,
  inAlternative: boolean,
  htmlBodyGiven: N[] | null,
  textBodyGiven: N[] | null,
  attachments: N[],
  depth: number,
): void => {
  let htmlBody = htmlBodyGiven;
  let textBody = textBodyGiven;
  // For multipartType == alternative
  const textLength = textBody?.length ?? -1;
  const htmlLength = htmlBody?.length ?? -1;

  for (const [at, part] of parts.entries()) {
    // "Is this a body part rather than an attachment": in multipart/related only the first can be; a named text part that is not
    // the first is taken for an attachment.
    const isInline =
      part.disposition !== 'attachment' &&
      (part.type === 'text/plain' || part.type === 'text/html' || isInlineMedia(part.type)) &&
      (at === 0 || (multipartType !== 'related' && (isInlineMedia(part.type) || part.name === null)));

    if (part.type.startsWith('multipart/')) {
      if (depth >= MAX_NESTING) continue;
      const subtype = part.type.slice('multipart/'.length);
      walk(part.children, subtype, inAlternative || subtype === 'alternative', htmlBody, textBody, attachments, depth + 1);
    } else if (isInline) {
      if (multipartType === 'alternative') {
        if (part.type === 'text/plain') textBody?.push(part);
        else if (part.type === 'text/html') htmlBody?.push(part);
        else attachments.push(part);
        continue;
      }
      if (inAlternative) {
        if (part.type === 'text/plain') htmlBody = null;
        if (part.type === 'text/html') textBody = null;
      }
      textBody?.push(part);
      htmlBody?.push(part);
      if ((textBody === null || htmlBody === null) && isInlineMedia(part.type)) attachments.push(part);
    } else {
      attachments.push(part);
    }
  }

  if (multipartType === 'alternative' && textBody !== null && htmlBody !== null) {
    // Only HTML was found, or only text: it serves as both.
    if (textLength === textBody.length && htmlLength !== htmlBody.length) textBody.push(...htmlBody.slice(htmlLength));
    else if (htmlLength === htmlBody.length && textLength !== textBody.length) htmlBody.push(...textBody.slice(textLength));
  }
};
