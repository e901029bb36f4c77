/** A Message-ID as headers write it, in angle brackets, so that two of them compare; null for none. */
export const messageIdHeader = (id: string | null): string | null => {
  const bare = id?.trim().replace(/^<|>$/g, '').trim() ?? '';
  return bare === '' ? null : `<${bare}>`.slice(0, 1000);
};
