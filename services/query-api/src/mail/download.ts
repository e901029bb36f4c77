/** Bytes from strangers: a browser saves them, whatever they are, and never shows or runs them as a page of ours. */

/** Types that no browser executes, also should one ignore the disposition. Everything else is just bytes. */
const HARMLESS =
  /^(image\/(png|jpeg|gif|webp|avif|bmp)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/(plain|csv|calendar)|application\/(pdf|zip|json|rtf)|message\/rfc822)$/;

export const safeType = (type: string | undefined, charset: string | null | undefined): string => {
  const known = type?.toLowerCase() ?? '';
  if (!HARMLESS.test(known)) return 'application/octet-stream';
  return known.startsWith('text/') && charset != null && /^[\w.:+-]{1,60}$/.test(charset) ? `${known}; charset=${charset}` : known;
};

/** RFC 6266: a plain name for old clients, the whole one in UTF-8 (RFC 8187). The policy closes what `nosniff` leaves open. */
export const downloadHeaders = (name: string) => {
  const whole = (name.toWellFormed().replace(UNSAFE, '_').trim() || 'part').slice(0, 200).toWellFormed();
  const plain = whole.replace(/[^ -~]|["\\%]/g, '_');
  return {
    'content-disposition': `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(whole).replace(/['()*]/g, percent)}`,
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  } as const;
};

/** What a path or a terminal would take for more than a name: separators, controls, marks that reorder. */
const UNSAFE = /[/\\\p{Cc}\p{Bidi_Control}]+/gu;
const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
