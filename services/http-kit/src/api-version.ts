/** `/api/v1/…`, where ISM has its API since 0.8.1: the same endpoints, and lists come in pages there, as that ISM gives them (chat-contract §1.2). */

const VERSIONED = /^\/api\/v1(\/[^?]*)(?:\?(.*))?$/;
/** Arrays in ISM's README, pages in its later versions. */
const PAGED: ReadonlySet<string> = new Set(['/rooms', '/users/friends', '/users/friends/requests']);

/** The URL by which the router knows what was asked for. */
export const unversioned = (url: string): string => {
  const [, path, query = ''] = VERSIONED.exec(url) ?? [];
  if (path === undefined) return url;
  const asked = PAGED.has(path) && !/(?:^|&)cursor=/.test(query) ? [query, 'cursor='].filter((part) => part !== '').join('&') : query;
  return `/api${path}${asked === '' ? '' : `?${asked}`}`;
};
