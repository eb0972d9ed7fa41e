using System.Runtime.InteropServices;
using Troupe.Launcher.Capabilities;
using Troupe.Launcher.Daemon;
using Troupe.Launcher.Disks;
using Troupe.Launcher.Hooks;
using Troupe.Launcher.Migration;
using Troupe.Launcher.Server;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Shared;

if (args is ["--print-capabilities" or "--print-capabilities-inside", "kvm" or "qemu"])
    return await CapabilitiesCommand.RunAsync(args[1], isInside: args[0].EndsWith("-inside", StringComparison.Ordinal));

if (args is ["--hold-volume", var held, ..])
    return await VolumeHolder.RunAsync(held, args.Length > 2 ? long.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : null);

if (args is ["--hold-connection", var holderSocket])
    return await ConnectionHolder.RunAsync(holderSocket);

if (args is ["--probe", var patience, .. var probed])
    return await ProbeCommand.RunAsync(int.Parse(patience, System.Globalization.CultureInfo.InvariantCulture), probed);

if (args is ["--hook-shim", .. var shimArgs])
    return await HookShim.MainAsync(shimArgs);

LauncherOptions options;
try
{
    options = LauncherOptions.Parse(args);
}
catch (ArgumentException e)
{
    Console.Error.WriteLine($"virt-launcher: {e.Message}");
    return 2;
}

const string TerminationLog = "/dev/termination-log";

static void Log(string message) => Console.WriteLine($"{DateTime.UtcNow:HH:mm:ss.fff} {message}");

// A guest that has ended leaves its launcher for this long, so that an agent that was away can still read why.
var afterlife = TimeSpan.FromSeconds(15);
using var stop = new CancellationTokenSource();
var quit = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
DaemonConfiguration.NameUsers();
DaemonConfiguration.NameThisHost();
await using var host = new DomainHost(options, new LibvirtDaemonOptions(), TimeProvider.System, Log);
host.Start();
await using var migration = new MigrationHost(host, options.Uid, new LibvirtDaemonOptions().Socket, TimeProvider.System, Log);

var terminated = false;
using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    terminated = true;
    quit.TrySetResult();
});
var settled = TimeSpan.FromSeconds(10);
var (started, greeted) = (0, 0);
host.Changed += observation =>
{
    // The two things that run through much code once: the start, and all that a guest agent tells first.
    if ((observation.State is DomainState.Running && Interlocked.Exchange(ref started, 1) == 0)
        || (observation.GuestAgent is { Connected: true } && Interlocked.Exchange(ref greeted, 1) == 0))
        _ = Task.Delay(settled).ContinueWith(_ => ResidentSet.GiveBack(), TaskScheduler.Default);
    Log($"domain {observation.State} {observation.Reason} {observation.Message}");
    // One that has moved away may still have to tell its target so; the conductor ends it.
    if (observation.State is DomainState.Shutoff or DomainState.Crashed && observation.Reason is not DomainReason.Migrated)
        _ = Task.Delay(afterlife).ContinueWith(_ => quit.TrySetResult(), TaskScheduler.Default);
};
Directory.CreateDirectory(LauncherPaths.Sockets);
var probes = new ProbeServer(host, Log).RunAsync(Path.Combine(LauncherPaths.Sockets, LauncherPaths.ProbeSocketName), stop.Token);
using var deadline = new StartDeadline(TimeProvider.System, options.StartTimeout, reason =>
{
    host.Update(o => o with { Reason = DomainReason.Failed, Message = reason });
    quit.TrySetResult();
});
var server = new LauncherServer(options, host, migration, deadline, () => quit.TrySetResult(), Log).RunAsync(Path.Combine(LauncherPaths.Sockets, LauncherPaths.SocketName), stop.Token);
await Task.WhenAny(quit.Task, server);
if (server.IsFaulted)
    await server;
if (probes.IsFaulted)
    await probes;

if (terminated)
    Log("told to end: shutting the guest down");
await new Shutdown(host, terminated ? options : options with { GracePeriod = TimeSpan.Zero }, TimeProvider.System, Log).RunAsync();
await host.EndHooksAsync(stop.Token);
var end = host.Observation;
// The agent reads the last observation before its connection closes.
await Task.Delay(100);
await stop.CancelAsync();
if (end.Reason is not (DomainReason.Crashed or DomainReason.Panicked or DomainReason.Failed))
    return 0;
var lastWords = end.Message ?? "the guest crashed";
Log(lastWords);
// For whoever reads the pod; kubelet would take the end of the log otherwise.
if (File.Exists(TerminationLog))
    await File.WriteAllTextAsync(TerminationLog, lastWords);
return 1;
