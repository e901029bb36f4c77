/** What a newcomer sees when everything is up: what runs where, and lines to paste. */
import type { Config } from '@tidings/infra/config/config';
import { PUBLIC_CLIENT, TOKEN_PATH } from '../../../dev-issuer/src/names.ts';
import type { Groups } from './groups.ts';
import type { Running } from './messages.ts';

export interface PanelFacts {
  readonly running: Running;
  readonly config: Config;
  readonly groups: Groups;
  /** Where the embedded Postgres keeps its data; null with a database of one's own. */
  readonly embeddedIn: string | null;
  readonly seconds: number;
}

export const panel = (facts: PanelFacts): string => {
  const { running, config } = facts;
  return [
    '',
    `Tidings is up after ${facts.seconds.toFixed(1)} s.`,
    '',
    ...whatRuns(facts),
    ...pasteLines(running, config),
    '',
    'Ctrl-C stops everything.',
    '',
    '',
  ].join('\n');
};

const whatRuns = ({ running, config, groups, embeddedIn }: PanelFacts): readonly string[] =>
  table([
    ...(running.httpUrl === null
      ? []
      : [
          ['API', running.httpUrl],
          ['API page', `${running.httpUrl}/docs`],
          ['Ready, metrics', `${running.httpUrl}/ready  ${running.httpUrl}/metrics`],
        ]),
    ...(running.smtp === null
      ? []
      : [['SMTP', `${running.smtp.host}:${running.smtp.port} for ${config.mailDomains.map((domain) => `@${domain}`).join(', ')}`]]),
    [
      'Identity',
      running.devIssuer === null
        ? (config.oidc.issuer ?? '')
        : `${running.devIssuer} (development only: alice, bob, carol; the password is the name)`,
    ],
    ['Postgres', embeddedIn === null ? 'yours (DATABASE_URL)' : `embedded, data in ${embeddedIn}`],
    [
      config.processes === 'one' ? 'One process' : 'Processes',
      [...groups].map(([group, services]) => `${group} (${services.join(', ')})`).join(', '),
    ],
  ]);

const pasteLines = (running: Running, config: Config): readonly string[] => {
  const { httpUrl, smtp, devIssuer } = running;
  const address = `alice@${config.mailDomains[0]}`;
  return [
    ...(devIssuer === null || httpUrl === null
      ? []
      : [
          '',
          'A token for Alice, and who she is:',
          `  TOKEN=$(curl -s ${devIssuer}${TOKEN_PATH} -d grant_type=password -d client_id=${PUBLIC_CLIENT} -d username=alice -d password=alice | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
          `  curl -s ${httpUrl}/api/me -H "Authorization: Bearer $TOKEN"`,
          '',
          'Everything that happens to her, as it happens:',
          `  curl -N ${httpUrl}/api/sse -H "Authorization: Bearer $TOKEN"`,
        ]),
    ...(smtp === null
      ? []
      : [
          '',
          'A mail for her:',
          `  printf 'From: Bob <bob@example.org>\\r\\nTo: ${address}\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n' | curl -s smtp://${smtp.host}:${smtp.port} --mail-from bob@example.org --mail-rcpt ${address} --upload-file -`,
        ]),
  ];
};

const table = (rows: readonly (readonly string[])[]): readonly string[] => {
  const width = Math.max(...rows.map(([label = '']) => label.length));
  return rows.map(([label = '', value = '']) => `  ${label.padEnd(width)}  ${value}`);
};
