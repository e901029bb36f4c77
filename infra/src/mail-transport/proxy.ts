/** A SOCKS5 proxy as it is configured. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  readonly credentials: { readonly user: string; readonly pass: string } | null;
}

/** `socks5://user:pass@host:port`. @returns undefined for what is no such URL */
export const proxyOf = (text: string): Proxy | undefined => {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'socks5:' || url.hostname === '') return undefined;
  const user = decodeURIComponent(url.username);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || 1080,
    credentials: user === '' ? null : { user, pass: decodeURIComponent(url.password) },
  };
};
