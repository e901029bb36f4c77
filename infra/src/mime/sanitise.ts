/**
 * Mail HTML that is safe to show inside a page (architecture §9: once, on the server): no script, no form, no style that reaches
 * outside its own box, nothing loaded from elsewhere. What a mail wanted to load stays readable in `data-remote-src`.
 */
import sanitizeHtml from 'sanitize-html';
import { partLink } from './part-links.ts';

/** Content ids → part ids. */
export type Cids = ReadonlyMap<string, string>;

export const sanitise = (html: string, cids: Cids): string =>
  withinReason(html, {
    ...rules,
    transformTags: {
      img: (tagName, attribs) => ({ tagName, attribs: image(attribs, cids) }),
      a: (tagName, attribs) => ({ tagName, attribs: link(attribs) }),
      body: 'div',
    },
  });

/** HTML that nests beyond all reason is given as its words: what the parser keeps of open elements grows dear with their square. */
const withinReason = (html: string, options: sanitizeHtml.IOptions): string => {
  let depth = 0;
  try {
    return sanitizeHtml(html, {
      ...options,
      onOpenTag: () => {
        depth += 1;
        if (depth > DEEPEST) throw new TooDeep();
      },
      onCloseTag: () => void (depth -= 1),
    });
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    return sanitizeHtml(html.replace(/<[^<>]*>/g, ' '), options);
  }
};

const DEEPEST = 10_000;
class TooDeep extends Error {
  override readonly name = 'TooDeep';
}

/**
 * HTML that we send: as safe as what we show, so that no reader's program is put to the test and drafts can be shown as they are. Pictures may be
 * parts of the mail (`cid:`), stand in it (`data:`) or be loaded. Doing it again changes nothing.
 */
export const sanitiseOutgoing = (html: string): string =>
  withinReason(html, {
    ...rules,
    transformTags: { img: (tagName, attribs) => ({ tagName, attribs: sentImage(attribs) }), body: 'div' },
    allowedSchemesByTag: { img: ['data', 'cid', 'http', 'https'] },
  });

const sentImage = ({ src = '', 'data-remote-src': remote, ...rest }: sanitizeHtml.Attributes): sanitizeHtml.Attributes => {
  const target = src.trim() || (remote ?? '');
  return /^cid:|^https?:\/\//i.test(target) || INLINE_IMAGE.test(target) ? { ...rest, src: target } : rest;
};

/** Its readable text, roughly: for previews. */
export const textOfHtml = (html: string): string =>
  withinReason(html.replace(/<(br|\/p|\/div|\/tr|\/h[1-6]|\/li|\/td)\b/gi, ' $&'), {
    allowedTags: [],
    allowedAttributes: {},
    nonTextTags,
  }).replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name] ?? '');

const INLINE_IMAGE = /^data:image\/(png|gif|jpeg|webp);base64,[a-z0-9+/=\s]*$/i;

const image = (attribs: sanitizeHtml.Attributes, cids: Cids): sanitizeHtml.Attributes => {
  const { src = '', ...rest } = attribs;
  const target = src.trim();
  if (/^cid:/i.test(target)) {
    const partId = cids.get(decoded(target.slice(4)));
    return partId === undefined ? rest : { ...rest, src: partLink(partId) };
  }
  if (INLINE_IMAGE.test(target)) return { ...rest, src: target };
  return /^(https?:)?\/\//i.test(target) ? { ...rest, 'data-remote-src': target } : rest;
};

const link = ({ href, ...rest }: sanitizeHtml.Attributes): sanitizeHtml.Attributes =>
  href === undefined ? rest : { ...rest, href, target: '_blank', rel: 'noopener noreferrer nofollow' };

/** RFC 2392 §2: the URL form of a content id is percent-encoded. */
const decoded = (cid: string): string => {
  try {
    return decodeURIComponent(cid);
  } catch {
    return cid;
  }
};

const nonTextTags = [
  'script',
  'style',
  'title',
  'textarea',
  'option',
  'select',
  'noscript',
  'noembed',
  'noframes',
  'iframe',
  'xmp',
  'object',
  'svg',
  'math',
  'template',
];

// Lengths without a sign: a negative margin would lift content out of its box.
const LENGTH = /^(auto|normal|none|0|[\d.]{1,8}(px|em|rem|ex|ch|pt|pc|cm|mm|in|%)?)$/i;
const LENGTHS = /^((auto|0|[\d.]{1,8}(px|em|rem|ex|ch|pt|pc|cm|mm|in|%)?)\s*){1,4}$/i;
const COLOUR = /^(#[0-9a-f]{3,8}|[a-z]{1,30}|rgba?\([\d\s.,%/]{1,60}\)|hsla?\([\d\s.,%/deg]{1,60}\))$/i;
const WORD = /^[a-z][a-z0-9-]{0,40}$/i;
const BORDER = /^[a-z0-9#.,%()\s-]{1,80}$/i;
const FONTS = /^[a-z0-9\s,"'_-]{1,300}$/i;

const styles: Record<string, RegExp[]> = {
  ...Object.fromEntries(['color', 'background-color', 'border-color'].map((name) => [name, [COLOUR]])),
  ...Object.fromEntries(
    [
      'font-weight',
      'font-style',
      'font-variant',
      'text-align',
      'text-decoration',
      'text-transform',
      'vertical-align',
      'white-space',
      'direction',
      'display',
      'float',
      'clear',
      'border-style',
      'border-collapse',
      'list-style-type',
      'table-layout',
      'word-break',
      'overflow-wrap',
      'word-wrap',
    ].map((name) => [name, [WORD]]),
  ),
  ...Object.fromEntries(
    [
      'width',
      'max-width',
      'min-width',
      'height',
      'max-height',
      'min-height',
      'line-height',
      'letter-spacing',
      'font-size',
      'text-indent',
      'border-spacing',
    ].map((name) => [name, [LENGTH, WORD]]),
  ),
  ...Object.fromEntries(
    ['margin', 'padding', 'border-width', 'border-radius'].flatMap((name) => [
      [name, [LENGTHS]],
      ...['top', 'right', 'bottom', 'left'].map((side) => [`${name}-${side}`, [LENGTHS]]),
    ]),
  ),
  ...Object.fromEntries(['border', 'border-top', 'border-right', 'border-bottom', 'border-left'].map((name) => [name, [BORDER]])),
  'font-family': [FONTS],
  'font-weight': [/^([1-9]00|[a-z]{1,10})$/i],
};

const rules: sanitizeHtml.IOptions = {
  allowedTags: [
    ...[
      'a',
      'abbr',
      'address',
      'article',
      'aside',
      'b',
      'bdi',
      'bdo',
      'big',
      'blockquote',
      'br',
      'caption',
      'center',
      'cite',
      'code',
      'col',
      'colgroup',
      'dd',
      'del',
      'details',
      'dfn',
      'div',
      'dl',
      'dt',
      'em',
    ],
    ...[
      'figcaption',
      'figure',
      'font',
      'footer',
      'h1',
      'h2',
      'h3',
      'h4',
      'h5',
      'h6',
      'header',
      'hr',
      'i',
      'img',
      'ins',
      'kbd',
      'li',
      'main',
      'mark',
      'nav',
      'ol',
      'p',
      'pre',
      'q',
      'rp',
      'rt',
      'ruby',
    ],
    ...[
      's',
      'samp',
      'section',
      'small',
      'span',
      'strike',
      'strong',
      'sub',
      'summary',
      'sup',
      'table',
      'tbody',
      'td',
      'tfoot',
      'th',
      'thead',
      'time',
      'tr',
      'tt',
      'u',
      'ul',
      'var',
      'wbr',
    ],
  ],
  // No id, name or class: they would reach for our page's elements and style.
  allowedAttributes: {
    '*': ['style', 'title', 'dir', 'lang', 'align', 'valign', 'bgcolor', 'width', 'height'],
    a: ['href', 'target', 'rel'],
    img: ['src', 'alt', 'data-remote-src', 'border'],
    table: ['border', 'cellpadding', 'cellspacing'],
    td: ['colspan', 'rowspan', 'nowrap'],
    th: ['colspan', 'rowspan', 'nowrap', 'scope'],
    col: ['span'],
    colgroup: ['span'],
    ol: ['start', 'type', 'reversed'],
    ul: ['type'],
    li: ['value'],
    font: ['color', 'face', 'size'],
    time: ['datetime'],
  },
  allowedStyles: { '*': styles },
  allowedSchemes: ['http', 'https', 'mailto', 'tel'],
  allowedSchemesByTag: { img: ['data', 'tidings-part'] },
  allowProtocolRelative: false,
  nonTextTags,
  nestingLimit: 150,
};
