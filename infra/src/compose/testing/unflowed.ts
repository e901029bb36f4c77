/** Flowed text as a reader's program puts it together again (RFC 3676 §4). */
export const unflowed = (text: string): string => {
  const lines: string[] = [];
  let open = false;
  for (const line of text.replace(/\r\n?/g, '\n').split('\n')) {
    const content = line.replace(/^ /, '');
    if (open && content !== '-- ' && !content.startsWith('>')) lines[lines.length - 1] += content;
    else lines.push(content);
    open = content.endsWith(' ') && content !== '-- ' && !line.startsWith('>');
  }
  return lines.join('\n');
};
