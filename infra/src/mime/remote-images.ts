/**
 * Pictures that a mail shows from elsewhere. The stored form keeps where they are in `data-remote-src`, which loads nothing; whether they are shown is
 * decided as the mail is read, so that no stored body depends on a switch.
 */

/** In sanitised HTML a `<` begins a tag, and no quoted value holds a quote or a `>` of its own. */
const REMOTE = /(<img\b[^>]*?\s)data-remote-src="([^"]*)"/g;

/** For readers. @param linkOf where a picture is fetched; null: nowhere, and they are counted */
export const withRemoteImages = (
  html: string,
  linkOf: ((url: string) => string) | null,
): { readonly value: string; readonly remoteImages: number } => {
  if (!html.includes('data-remote-src="')) return { value: html, remoteImages: 0 };
  let heldBack = 0;
  const value = html.replace(REMOTE, (whole, before: string, written: string) => {
    const url = absolute(unescaped(written));
    if (linkOf === null || url === null) {
      heldBack += 1;
      return whole;
    }
    return `${before}src="${escaped(linkOf(url))}" data-remote-src="${written}"`;
  });
  return { value, remoteImages: heldBack };
};

/** `//host/path` was written for a page; a mail has none, so the safer way is meant. */
const absolute = (url: string): string | null => {
  const whole = url.startsWith('//') ? `https:${url}` : url;
  return /^https?:\/\//i.test(whole) && URL.canParse(whole) && whole.length <= 4000 ? whole : null;
};

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
const unescaped = (text: string): string => text.replace(/&(amp|lt|gt|quot);/g, (_, name: string) => ENTITIES[name] ?? '');
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
