/** `tidings mail tls-report`: reports about TLS (RFC 8460), made and sent now. */
import { parseArgs } from 'node:util';
import { openDns } from '@tidings/infra/dns/system-dns';
import { dayOf } from '@tidings/infra/tls-report/report';
import { openReporter } from '../../../smtp-egress/src/report-tls.ts';
import { yesterday } from '../../../smtp-egress/src/tls-reports.ts';
import { MailCommandFailed, type MailContext, withPlatform } from './index.ts';

const USAGE = `usage: tidings mail tls-report [--today]

  Sends the reports that wait, and those of days that are over (UTC); with --today also of this one, as far as it went.
`;

/** @returns the exit code: 1 when a report was not taken. @throws MailCommandFailed */
export const mailCommand = async ([command, ...args]: readonly string[], context: MailContext): Promise<number> => {
  if (command === undefined || command === 'help') {
    context.stdout.write(USAGE);
    return 0;
  }
  if (command !== 'tls-report') throw new MailCommandFailed(`there is no command "mail ${command}"\n${USAGE}`);
  const today = isToday(args);
  return withPlatform(context, async (platform) => {
    const dns = openDns({ servers: platform.config.dnsServers });
    const reporter = openReporter(platform, dns);
    if (reporter === null)
      throw new MailCommandFailed('set EGRESS_TLS_REPORTS_ORGANIZATION and EGRESS_TLS_REPORTS_CONTACT: they say who reports');
    try {
      const now = platform.now();
      await reporter.make(today ? dayOf(now) : yesterday(now), () => now);
      const sent = await reporter.send();
      for (const { domain, day, destination, fault } of sent)
        context.stdout.write(
          `${day} ${domain}: ${fault === null ? 'taken' : 'not taken'} by ${destination}${fault === null ? '' : `: ${fault}`}\n`,
        );
      if (sent.length === 0) context.stdout.write('There is nothing to report.\n');
      return sent.every(({ fault }) => fault === null) ? 0 : 1;
    } finally {
      await reporter.close();
      dns.close();
    }
  });
};

const isToday = (args: readonly string[]): boolean => {
  try {
    return parseArgs({ args: [...args], options: { today: { type: 'boolean' } }, strict: true }).values.today === true;
  } catch (error) {
    throw new MailCommandFailed(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
};
