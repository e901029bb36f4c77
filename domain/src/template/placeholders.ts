/** Placeholders, `{{name}}`, as they are filled in when a mail is written. */
import type { TemplateText } from '@tidings/contracts/events/template';

const PLACEHOLDER = /\{\{\s*([\p{L}\p{N}_.-]{1,60})\s*\}\}/gu;

export type Filled = Pick<TemplateText, 'subject' | 'text' | 'html'>;

/** Those that have no value, each once. */
export const unknownIn = ({ subject, text, html }: Filled, values: ReadonlyMap<string, string>): readonly string[] => [
  ...new Set([...`${subject} ${text} ${html}`.matchAll(PLACEHOLDER)].map(([, name = '']) => name).filter((name) => !values.has(name))),
];

/** In HTML a value is text, whatever it says; in a subject it is one line. What has no value stays as it is. */
export const fill = ({ subject, text, html }: Filled, values: ReadonlyMap<string, string>): Filled => ({
  subject: replaced(subject, values, (value) => value.replaceAll(/\s+/g, ' ')),
  text: replaced(text, values, (value) => value),
  html: replaced(html, values, escaped),
});

const replaced = (template: string, values: ReadonlyMap<string, string>, written: (value: string) => string): string =>
  template.replace(PLACEHOLDER, (whole, name: string) => {
    const value = values.get(name);
    return value === undefined ? whole : written(value);
  });

const escaped = (value: string): string =>
  value.replaceAll(/[&<>"']/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[character] ?? '');
