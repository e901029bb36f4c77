const MAX_CHARS = 32 * 1024;

/** More than the start of a long text is nobody's reason. */
export const bounded = (text: string): string => text.slice(0, MAX_CHARS).replaceAll(/\r\n?/g, '\n');

export const splitParagraphs = (text: string): readonly string[] => text.split(/\n[ \t]*\n/).filter((one) => one.trim() !== '');
