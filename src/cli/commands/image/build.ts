import { KilnError } from '../../../model/errors.ts';
import { defineCommand, type Invocation, type Outcome } from '../../command.ts';
import { formatSize } from '../../format/size.ts';
import { parseChoice, parseWhole } from '../../options.ts';
import { renderFields } from '../../output/table.ts';

const types = ['embedded', 'vm'] as const;
const releases = ['bookworm'] as const;
const agents = ['octavia', 'kiln'] as const;
const usualCache = '/var/cache/kiln/images';
const usualCheckSeconds = 600;

interface Options {
  type?: (typeof types)[number];
  output?: string;
  name?: string;
  version?: string;
  release?: (typeof releases)[number];
  agent?: (typeof agents)[number];
  cache?: string;
  sources?: string;
  check?: true;
  checkWithin?: number;
}

/** Options that say nothing for the other type: option → the type that it is for. */
const onlyFor: Readonly<Partial<Record<keyof Options, (typeof types)[number]>>> = {
  name: 'embedded',
  version: 'embedded',
  release: 'vm',
  agent: 'vm',
  cache: 'vm',
  sources: 'vm',
  check: 'vm',
  checkWithin: 'vm',
};

export const imageBuild = defineCommand<Options>({
  noun: 'image',
  verb: 'build',
  summary: 'Build an amphora image',
  description:
    '--type vm: a virtual machine for any OpenStack (qcow2, BIOS, amd64), of Debian with HAProxy, keepalived and an agent: Octavia’s of ' +
    'Debian’s packages, or Kiln’s own (--agent kiln), which needs far fewer packages. ' +
    'Needs root on Debian; the same versions of the packages give the same bytes. Beside the image come its bill of ' +
    'materials (.cdx.json) and what `kiln image push` tells Glance of it (.properties.json). An image that can’t be finished ' +
    'leaves nothing behind but the cache.\n\n' +
    "--type embedded: a small archive with Kiln's own agent, which only the embedded cloud of `kiln dev` boots.",
  options: [
    {
      flags: '--type <type>',
      help: `one of ${types.join(', ')} (default: embedded)`,
      parse: parseChoice('--type', types),
    },
    {
      flags: '-o, --output <file>',
      help: 'where to write it (default: embedded: made from name and version; vm: amphora.qcow2)',
    },
    { flags: '--name <name>', help: 'embedded: name of the image (default: amphora)' },
    { flags: '--version <version>', help: 'embedded: what its agent calls itself (default: the version of Kiln)' },
    {
      flags: '--release <release>',
      help: `vm: release of Debian, one of ${releases.join(', ')} (default: bookworm)`,
      parse: parseChoice('--release', releases),
    },
    {
      flags: '--agent <agent>',
      help: `vm: which agent, one of ${agents.join(', ')} (default: octavia)`,
      parse: parseChoice('--agent', agents),
    },
    {
      flags: '--cache <folder>',
      help: `vm: where unpacked packages are kept for the next build (default: ${usualCache})`,
    },
    { flags: '--sources <file>', help: "vm: apt's sources of packages, to use a mirror (default: Debian's servers)" },
    { flags: '--check', help: 'vm: boot the image once under QEMU, and have its agent answer' },
    {
      flags: '--check-within <seconds>',
      help: `vm: how long the agent may take to answer, with --check (default: ${usualCheckSeconds})`,
      parse: parseWhole('--check-within', 1, 86_400),
    },
  ],
  examples: [
    'kiln image build --type vm --check --output amphora.qcow2',
    'kiln image build --type vm --agent kiln --check --output amphora.qcow2',
    'kiln image build --output amphora.tar.gz',
    'kiln image build --version 2026.2 --output new.tar.gz',
  ],
  exits: ['noUsableImage', 'bootFailed'],
  async run(invocation) {
    const { type = 'embedded' } = invocation.options;
    for (const [option, only] of Object.entries(onlyFor)) {
      if (only === type || invocation.options[option as keyof Options] === undefined) continue;
      const flag = `--${option.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
      throw new KilnError('USAGE', `${flag} says nothing of an image of type ${type}`, {
        advice: `Leave it out, or build with --type ${only}.`,
      });
    }
    return type === 'vm' ? await buildVm(invocation) : await buildEmbedded(invocation);
  },
});

async function buildEmbedded({ options, context, progress }: Invocation<Options>): Promise<Outcome> {
  const step = progress.step('build');
  let built: Awaited<ReturnType<typeof context.buildImage>>;
  try {
    built = await context.buildImage({
      outputFile: options.output ?? null,
      name: options.name ?? null,
      version: options.version ?? null,
    });
  } catch (error) {
    step.fail();
    throw error;
  }
  step.done(built.file);
  return outcomeOf(built, [
    ['File', built.file],
    ['Name', built.name],
    ['Version', built.version],
    ['Size', formatSize(built.sizeBytes)],
    ['SHA-512', built.sha512],
  ]);
}

/** An image that was built, by the name of its file. */
function outcomeOf(built: { file: string }, fields: Parameters<typeof renderFields>[0]): Outcome {
  return { document: built, ids: [built.file], render: (view) => renderFields(fields, view) };
}

async function buildVm({ options, context, progress }: Invocation<Options>): Promise<Outcome> {
  if (options.checkWithin !== undefined && !options.check) {
    throw new KilnError('USAGE', '--check-within is given without --check', { advice: 'Give --check, too.' });
  }
  const built = await context.buildVmImage(
    {
      outputFile: options.output ?? 'amphora.qcow2',
      release: options.release ?? 'bookworm',
      agent: options.agent ?? 'octavia',
      cacheFolder: options.cache ?? usualCache,
      sourcesFile: options.sources ?? null,
      checkWithinSeconds: options.check ? (options.checkWithin ?? usualCheckSeconds) : null,
    },
    progress,
  );
  const { check } = built;
  return outcomeOf(built, [
    ['File', built.file],
    ['Size', formatSize(built.sizeBytes)],
    ['SHA-512', built.sha512],
    ['Debian', `${built.release}, ${built.packageCount} packages${built.treeFromCache ? ', from the cache' : ''}`],
    ['Packages', built.packagesHash],
    ['Agent', `${built.agent === 'kiln' ? "Kiln's own" : 'octavia-agent'} ${built.agentVersion}`],
    ['HAProxy', built.haproxyVersion],
    ['Materials', built.billOfMaterialsFile],
    ['Properties', built.propertiesFile],
    ['Checked', check ? `its agent answered after ${check.answeredAfterSeconds} s` : 'no (--check boots it)'],
  ]);
}
