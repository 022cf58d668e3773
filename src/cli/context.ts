/**
 * What the command line acts through. `main/` builds it; the commands know nothing of files, sockets or clients.
 * Everything is asked for lazily, so that a command touches only what it needs: `kiln config show` works while the
 * cloud is down, and `kiln doctor` while the configuration is broken.
 */

import type { KnownImages } from '../core/fleet/image-use.ts';
import type { KnownFlows } from '../core/operations/unknown-operation.ts';
import type { BuildInfo } from '../model/build.ts';
import type { CertificateInspection, OwnCertificate, TroubledCertificate } from '../model/certificate.ts';
import type { ServeStatus } from '../model/control.ts';
import type { Fleet } from '../model/fleet.ts';
import type { Job, JobReport } from '../model/housekeeping.ts';
import type { AbortedOperation } from '../model/operation.ts';
import type { ServeRole } from '../model/serve-role.ts';
import type { SilenceSurvey, SilentAmphoraReport } from '../model/silence.ts';
import type { TaggedImage } from '../model/tagged-image.ts';
import type { AgentDetails, AgentInfo } from '../ports/amphora-agent.ts';
import type { AmphoraOperations } from '../ports/amphora-operations.ts';
import type { BuildReport } from '../ports/build-report.ts';
import type { Clock } from '../ports/clock.ts';
import type { ComputeService } from '../ports/compute.ts';
import type { IdentityService } from '../ports/identity.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { ImageService } from '../ports/images.ts';
import type { Journal } from '../ports/journal.ts';
import type { NetworkService } from '../ports/network.ts';
import type { OctaviaReleases } from '../ports/octavia-releases.ts';
import type { Releases } from '../ports/releases.ts';
import type { SecretFolder } from '../ports/secret-folder.ts';
import type { SecretUsers } from '../ports/secret-users.ts';

/** The options that every command has. */
export interface GlobalOptions {
  /** `--config-file`, in the order given; empty: the usual places. */
  configFiles: readonly string[];
  configDirs: readonly string[];
  /** `--os-cloud`: a cloud of clouds.yaml; null: as the configuration and the environment say. */
  osCloud: string | null;
  json: boolean;
  quiet: boolean;
  debug: boolean;
}

/** One output stream, as far as the command line cares. */
export interface OutputStream {
  isTTY: boolean;
  /** Width in characters; null when nothing limits it (a file, a pipe). */
  columns: number | null;
  /** True when escape codes for colour may be written: a terminal, and NO_COLOR is not set. */
  colour: boolean;
  write(text: string): void;
}

/** Results go to `stdout`; progress, remarks and errors to `stderr`. */
export interface Terminal {
  stdout: OutputStream;
  stderr: OutputStream;
}

/** What the process around the command line is. */
export interface CliEnvironment {
  terminal: Terminal;
  clock: Clock;
  /** Aborted by ctrl-C and SIGTERM. */
  signal: AbortSignal;
  build: BuildInfo;
  /** Asks a person on the terminal for yes or no; null: there is nobody to ask. */
  confirm: ((question: string) => Promise<boolean>) | null;
}

export interface ConfigurationRow {
  section: string;
  option: string;
  /** As octavia.conf would have it; secrets are masked before they come here. */
  value: string;
  /** In words: "/etc/octavia/octavia.conf:12", "OS_GLANCE__REGION_NAME", "default". */
  source: string;
  isDefault: boolean;
  /** Such as "deprecated: use amp_image_tag". */
  note?: string;
}

/** A line of the configuration that needs a word. `where` is "file:line" or the variable's name. */
export interface ConfigurationRemark {
  section: string;
  option: string;
  where: string;
  message: string;
}

/** What is in force, and what is to be said about it. Never throws for a fault in the configuration: `faults` has it. */
export interface ConfigurationView {
  /** Files that were read, in order. */
  files: readonly string[];
  rows: readonly ConfigurationRow[];
  /** Values that are not allowed. When there are any, nothing else can be used but `config show` and `doctor`. */
  faults: readonly ConfigurationRemark[];
  /** Options that no Octavia since Train had; `message` names the nearest one. */
  unknown: readonly ConfigurationRemark[];
  /** Options of Octavia that Kiln accepts and does not use. */
  unused: readonly ConfigurationRemark[];
  deprecated: readonly ConfigurationRemark[];
  /** Values that are allowed, and of which something must be said: what Kiln does instead, or what it endangers. */
  cautions: readonly ConfigurationRemark[];
}

/** The few values that commands decide by. Throws CONFIGURATION_INVALID when the configuration has faults. */
export interface CliSettings {
  /** `[controller_worker]`; null where not set (an empty string is "not set"). */
  imageTag: string | null;
  imageId: string | null;
  /** A project ID, 'any', or null for the project that Kiln authenticates as. */
  imageOwnerId: string | null;
  imageTagPolicy: 'newest' | 'unique';
  /** Null: images never count as old. */
  imageMaxAgeDays: number | null;
  flavorId: string | null;
  bootNetworkIds: readonly string[];
  securityGroupIds: readonly string[];
  keyName: string | null;
  availabilityZone: string | null;
  /** `[haproxy_amphora] bind_port`. */
  agentPort: number;
}

export const certificateRoles = ['authority', 'client-ca', 'client', 'server-ca'] as const;
/**
 * authority: `[certificates] ca_certificate` with `ca_private_key`; client-ca: `[controller_worker] client_ca`;
 * client: `[haproxy_amphora] client_cert`; server-ca: `[haproxy_amphora] server_ca`.
 */
export type CertificateRole = (typeof certificateRoles)[number];

export interface BuildImageOptions {
  /** Null: a name made from `name` and `version`, in the current folder. */
  outputFile: string | null;
  name: string | null;
  version: string | null;
}

export interface BuiltImage {
  file: string;
  sizeBytes: number;
  sha512: string;
  name: string;
  version: string;
}

export interface BuildVmImageOptions {
  outputFile: string;
  /** Of Debian. */
  release: string;
  /** Which agent is in the image. */
  agent: 'octavia' | 'kiln';
  cacheFolder: string;
  /** File with apt's sources; null: Debian's own. */
  sourcesFile: string | null;
  /** How long the image may take to answer when it is booted; null: it is not booted. */
  checkWithinSeconds: number | null;
}

export interface BuiltVmImageView {
  file: string;
  sizeBytes: number;
  sha512: string;
  release: string;
  agent: string;
  agentVersion: string;
  haproxyVersion: string;
  packageCount: number;
  packagesHash: string;
  treeFromCache: boolean;
  billOfMaterialsFile: string;
  propertiesFile: string;
  properties: Readonly<Record<string, string>>;
  /** Null where the image was not booted. */
  check: { answeredAfterSeconds: number; accelerated: boolean; info: AgentInfo; details: AgentDetails } | null;
}

export interface DevOptions {
  stateFolder: string | null;
  port: number | null;
}

/** The page of `kiln ui`. */
export interface LocalPageOptions {
  /** Null: any that is free. */
  port: number | null;
  /** In a browser. */
  opens: boolean;
  /** An address that lets in once; called again when it was used. */
  onAddress(address: string): void;
  onNoBrowser(): void;
}

/** Called once, when the embedded cloud answers. */
export interface DevReady {
  cloudName: string;
  cloudsFile: string;
  configurationFile: string;
  stateFolder: string;
  /** Service type → URL. */
  endpoints: Readonly<Record<string, string>>;
}

export interface DatabaseStatus {
  /** Which one, without its password. */
  database: string;
  /** In order. `executedAt` is null for one that has not been made. */
  migrations: readonly {
    name: string;
    executedAt: string | null;
    /** Made by a version newer than this one: whether this one can go on. Null: one of this version's own. */
    newer: 'compatible' | 'incompatible' | null;
  }[];
}

/** A job of housekeeping, and how it went last. */
export interface JobStatus {
  name: string;
  summary: string;
  intervalSeconds: number;
  /** Null: never begun. */
  last: Job | null;
}

/** In the database; no `kiln serve` is needed. */
export interface HousekeepingCommands {
  list(): Promise<JobStatus[]>;
  /** Null: another process took the job at this moment. USAGE when there is no such job, IMMUTABLE while one is at it. */
  run(name: string, options: { dryRun: boolean }): Promise<JobReport | null>;
}

/** What a `kiln serve` of this configuration needs of its host, and of what it has noted. Changes nothing. */
export interface ControllerView {
  /** The default provider. CONFIGURATION_INVALID when it is not served. */
  provider(): string;
  /** When a process of each role last said so in the database; one that none has in the last week is not among them. */
  lastBeats(): Promise<ReadonlyMap<string, string>>;
  /** For how long a process that says nothing may live all the same. */
  leaseSeconds(): number;
  /** Connects to every host of the broker, and leaves. Null: none is configured. */
  broker(): Promise<readonly { place: string; problem: string | null }[] | null>;
  /** Whether heartbeats can be received here. CONFIGURATION_INVALID when they never could. */
  heartbeats(): Promise<{ place: string; isTaken: boolean }>;
  /** All files with certificates that the configuration names. */
  ownCertificates(): Promise<OwnCertificate[]>;
  /** Tags that flavor profiles name, each with the Nova flavor that its images have to fit. */
  flavorTags(): Promise<readonly { profile: string; tag: string; computeFlavorId: string | null }[]>;
  /** Certificates of agents that have ended, or could not be renewed. */
  agentCertificates(limit: number): Promise<TroubledCertificate[]>;
}

export interface CliContext {
  controller(): Promise<ControllerView>;
  housekeeping(): Promise<HousekeepingCommands>;
  /** What was asked for, and what became of it. Read from the database; no `kiln serve` is needed. */
  journal(): Promise<Pick<Journal, 'get' | 'list' | 'entriesOf'>>;
  /** What this version can carry out. */
  knownFlows(): Promise<KnownFlows>;
  /** Ends an operation by hand: through a running `kiln serve`, else in the database itself. */
  abortOperation(operationId: string): Promise<AbortedOperation>;
  /** Silent amphorae, in the database. `resume` tells whether failovers were stopped. */
  silence(): Promise<{
    survey(): Promise<SilenceSurvey>;
    list(limit: number): Promise<SilentAmphoraReport[]>;
    resume(): Promise<boolean>;
  }>;
  /** Which images the amphorae run: counted in the database, with what Glance says of the images. */
  fleet(): Promise<(signal?: AbortSignal) => Promise<Fleet>>;
  /** Releases of images, in the database and Glance; no `kiln serve` is needed. */
  releases(): Promise<Releases>;
  /** Releases over an Octavia that runs already, with nothing but its API, Glance and Nova. */
  octaviaReleases(): Promise<OctaviaReleases>;
  /** Who runs this command, for what is kept of releases. */
  operator(): string;
  /** What is known of images beside Glance, read anew at each call; null where there is no database that is up to date. */
  knownImages(): Promise<(() => Promise<KnownImages>) | null>;
  /** Which images carried tags of amphorae, as `kiln serve` has seen it; newest first. */
  tagHistory(limit: number): Promise<TaggedImage[]>;
  /** Asks for another flavor, as an administrator does through the API; workers carry it out. */
  resizeLoadBalancer(loadBalancerId: string, flavorId: string | null): Promise<void>;
  databaseStatus(): Promise<DatabaseStatus>;
  /** Brings the tables up to date. */
  upgradeDatabase(): Promise<DatabaseStatus>;
  images(): Promise<ImageService>;
  resolver(): Promise<ImageResolver>;
  compute(): Promise<ComputeService>;
  network(): Promise<NetworkService>;
  identity(): Promise<IdentityService>;
  /** `servedBy`: "kiln serve (pid 4711)", or null when this process runs the flows itself. */
  amphorae(): Promise<{ operations: AmphoraOperations; servedBy: string | null }>;
  /** The folder of local_cert_manager; no `kiln serve` is needed. */
  secrets(): Promise<SecretFolder>;
  /** What refers to them, in the database. */
  secretUsers(): Promise<SecretUsers>;
  settings(): Promise<CliSettings>;
  configuration(): Promise<ConfigurationView>;
  inspectCertificate(role: CertificateRole): Promise<CertificateInspection>;
  buildImage(options: BuildImageOptions): Promise<BuiltImage>;
  buildVmImage(options: BuildVmImageOptions, report: BuildReport): Promise<BuiltVmImageView>;
  /** Null when no `kiln serve` answers. */
  status(): Promise<ServeStatus | null>;
  /** Runs until the environment's signal is aborted; resolves when everything is ended. */
  serve(roles: readonly ServeRole[]): Promise<void>;
  /** As `serve`; `onReady` is called when the embedded cloud answers. */
  dev(options: DevOptions, onReady: (ready: DevReady) => void): Promise<void>;
  /** Serves the page on this host, over the control socket, until the environment's signal is aborted. */
  ui(options: LocalPageOptions): Promise<void>;
  /** Ends connections and children. Called once, after the command, whatever became of it. */
  close(): Promise<void>;
}

/** Makes the context for one run. Must not read files or reach anything yet: its members do, when they are called. */
export type MakeContext = (options: GlobalOptions) => CliContext | Promise<CliContext>;
