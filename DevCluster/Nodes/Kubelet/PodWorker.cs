using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Images;
using Troupe.DevCluster.Nodes.Logs;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Network;
using Troupe.DevCluster.Nodes.Volumes;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>
/// One pod on its node: a mailbox, the pure <see cref="PodPlan"/>, and the hands that do its steps. Everything that must survive a
/// restart is on disk before it is relied on; stopping the worker leaves the pod running.
/// </summary>
internal sealed class PodWorker
{
    private static readonly TimeSpan QuietStart = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan VolumeRefresh = TimeSpan.FromSeconds(60);
    private const int LongestTerminationMessage = 4096, LongestLogMessage = 2048, MostLogLines = 80;

    private abstract record Signal
    {
        public sealed record Updated(JsonObject Pod) : Signal;
        public sealed record Vanished : Signal;
        public sealed record Exited(string Container, string Id, ContainerExit Exit) : Signal;
        public sealed record Resolved(string Reference, string Container, ImageStore.Resolved? Image, ImageException? Failure) : Signal;
        public sealed record Probed(string Container, string Id, ProbeVerdict Verdict) : Signal;
        public sealed record HookFailed(string Container, string Id, string Message) : Signal;
        public sealed record Evict : Signal;
        public sealed record Wake : Signal;
    }

    private readonly NodeContext node;
    private readonly string directory;
    private readonly PodVolumes volumes;
    private readonly Channel<Signal> mailbox = Channel.CreateUnbounded<Signal>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<string, CancellationTokenSource> probes = [];
    private readonly CancellationTokenSource stopping = new();
    private readonly ILogger log;

    private JsonObject raw;
    private Pod pod;
    private PodObservation seen = new();
    private PodAddress? address;
    private IReadOnlyDictionary<string, MountedVolume> mounted = new Dictionary<string, MountedVolume>();
    private DateTimeOffset startTime;
    private DateTimeOffset lastWrite;
    private DateTimeOffset nextVolumeRefresh = DateTimeOffset.MaxValue;
    private JsonNode? writtenStatus;
    private bool vanished;
    private bool adopted;
    private bool finished;

    public PodWorker(NodeContext node, JsonObject pod)
    {
        this.node = node;
        raw = pod;
        this.pod = KubeJson.Read<Pod>(pod);
        directory = node.Layout.Pod(node.Node, this.pod.Uid);
        volumes = new PodVolumes(node.Api, directory);
        log = node.Log;
        writtenStatus = pod["status"];
        startTime = this.pod.Status.StartTime ?? node.Time.GetUtcNow();
        lastWrite = node.Time.GetUtcNow();
        Completion = Task.CompletedTask;
    }

    public string Uid => pod.Uid;
    public string Key => pod.Key;
    public Task Completion { get; private set; }

    public void Start() => Completion = Task.Run(RunAsync);
    public void Update(JsonObject latest) => mailbox.Writer.TryWrite(new Signal.Updated(latest));
    public void Vanish() => mailbox.Writer.TryWrite(new Signal.Vanished());

    /// <summary>Stops and removes the pod here without touching its object.</summary>
    public void Evict() => mailbox.Writer.TryWrite(new Signal.Evict());

    /// <summary>Lets go of the pod, which runs on.</summary>
    public Task DetachAsync()
    {
        stopping.Cancel();
        return Completion;
    }

    /// <summary>The log of a container's newest run (or the one before).</summary>
    public LogLocation? Log(string container, bool previous)
    {
        var view = seen.Container(container);
        if ((previous ? view.Previous ?? (view.Current?.Exit is not null ? view.Current : null) : view.Current) is not { } run) return null;
        return new LogLocation(LogFile(container, run.Attempt), () => seen.Container(container).Current is { } current && current.Id == run.Id && current.Exit is null && !finished);
    }

    private string Bundle(string container, int attempt) => $"{directory}/containers/{container}/{attempt}";
    private string LogFile(string container, int attempt) => $"{node.Layout.PodLogs(node.Node, pod.Namespace, pod.Name, pod.Uid)}/{container}/{attempt}.log";
    private IEnumerable<Container> AllContainers => pod.Spec.InitContainers.Concat(pod.Spec.Containers);
    private PodFacts Facts => new(pod, node.Network.HostIp, address?.Ip, node.Allocatable);

    private async Task RunAsync()
    {
        var ct = stopping.Token;
        try
        {
            await AdoptAsync(ct);
            while (!finished)
            {
                var wake = await TurnAsync(ct);
                if (finished) break;
                await WaitAsync(wake, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // detached: the pod runs on
        }
        catch (Exception failure)
        {
            log.LogError(failure, "Worker of pod {Pod} failed", pod.Key);
        }
        finally
        {
            foreach (var probe in probes.Values) await probe.CancelAsync();
            foreach (var view in seen.Containers.Values)
            {
                if (view.Current is { } run) node.Runtime.Unwatch(run.Id);
            }
        }
    }

    /// <summary>Plans and acts until there is nothing to do, then writes the status if it says something new.</summary>
    private async Task<DateTimeOffset?> TurnAsync(CancellationToken ct)
    {
        while (true)
        {
            while (mailbox.Reader.TryRead(out var signal)) Take(signal);
            var decision = PodPlan.Next(pod, seen, node.BackOff, node.Time.GetUtcNow());
            if (decision.Steps.Count == 0)
            {
                var statusDue = await WriteStatusAsync(final: false, ct);
                await RefreshVolumesAsync(ct);
                DateTimeOffset? wake = nextVolumeRefresh == DateTimeOffset.MaxValue ? null : nextVolumeRefresh;
                return new[] { decision.WakeAt, statusDue, wake }.Min();
            }
            foreach (var step in decision.Steps)
            {
                await DoAsync(step, ct);
                if (finished) return null;
            }
            if (decision.Steps.All(step => step is PodStep.PullImage or PodStep.StopContainer or PodStep.KillContainer)) await WriteStatusAsync(final: false, ct);
        }
    }

    private async Task WaitAsync(DateTimeOffset? wake, CancellationToken ct)
    {
        ITimer? timer = null;
        if (wake is { } at)
        {
            var delay = at - node.Time.GetUtcNow();
            timer = node.Time.CreateTimer(_ => mailbox.Writer.TryWrite(new Signal.Wake()), null, delay > TimeSpan.Zero ? delay + TimeSpan.FromMilliseconds(1) : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
        try
        {
            await mailbox.Reader.WaitToReadAsync(ct);
        }
        finally
        {
            if (timer is not null) await timer.DisposeAsync();
        }
    }

    private void Take(Signal signal)
    {
        var now = node.Time.GetUtcNow();
        switch (signal)
        {
            case Signal.Updated(var latest):
                raw = latest;
                pod = KubeJson.Read<Pod>(latest);
                writtenStatus = latest["status"];
                if (pod.Metadata.DeletionTimestamp is not null) Terminate(now, pod.Metadata.DeletionGracePeriodSeconds ?? pod.Spec.TerminationGracePeriodSeconds);
                break;
            case Signal.Vanished:
                vanished = true;
                // A force-deleted pod's last object has grace 0: a moment is given all the same, as the kubelet does.
                Terminate(now, Math.Max(1, pod.Metadata.DeletionGracePeriodSeconds ?? pod.Spec.TerminationGracePeriodSeconds));
                break;
            case Signal.Evict:
                vanished = true;
                Terminate(now, 1);
                break;
            case Signal.Exited(var name, var id, var exit):
                if (seen.Container(name).Current is { Exit: null } run && run.Id == id) TakeExit(name, run, exit);
                break;
            case Signal.Resolved(var reference, var container, var image, var failure):
                TakeImage(reference, container, image, failure, now);
                break;
            case Signal.Probed(var name, var id, var verdict):
                if (seen.Container(name).Current?.Id == id)
                    seen = seen.With(name, view => view with { Started = verdict.Started, Ready = verdict.Ready, Unhealthy = verdict.Unhealthy });
                break;
            case Signal.HookFailed(var name, var id, var message):
                if (seen.Container(name).Current?.Id == id) seen = seen.With(name, view => view with { Unhealthy = message });
                break;
        }
    }

    private void Terminate(DateTimeOffset now, long graceSeconds)
    {
        var since = seen.TerminatingSince ?? now;
        var grace = TimeSpan.FromSeconds(Math.Max(0, graceSeconds));
        seen = seen with { TerminatingSince = since, TerminationGrace = seen.TerminatingSince is null || grace < seen.TerminationGrace ? grace : seen.TerminationGrace };
        foreach (var probe in probes.Values) probe.Cancel();
    }

    private void TakeExit(string name, ContainerRun run, ContainerExit exit)
    {
        var container = AllContainers.First(candidate => candidate.Name == name);
        var reason = exit.OutOfMemory ? "OOMKilled" : exit.ExitCode == 0 ? "Completed" : "Error";
        var ended = run with { Exit = new RunExit(exit.ExitCode, reason, TerminationMessage(container, run, exit.ExitCode), exit.FinishedAt) };
        ended.Save(Bundle(name, run.Attempt));
        StopProbes(name);
        node.Runtime.Forget(run.Id);
        log.LogInformation("Container {Container} of pod {Pod} ended with {ExitCode} ({Reason})", name, pod.Key, exit.ExitCode, reason);
        seen = seen.With(name, view => view with { Current = ended, Stopping = null, Unhealthy = null, Ready = false, Started = false });
        if (seen.TerminatingSince is null && PodProgress.Judge(pod.Spec, container, pod.Spec.InitContainers.Contains(container), seen.Container(name)) == ContainerVerdict.WantsRestart
            && node.BackOff.Delay(ended.BackOffStep) > TimeSpan.Zero)
            node.Events.Warning(pod, "BackOff", $"Back-off restarting failed container {name} in pod {pod.Name}_{pod.Namespace}({pod.Uid})", node.Node, name);
    }

    private string? TerminationMessage(Container container, ContainerRun run, int exitCode)
    {
        var file = $"{Bundle(container.Name, run.Attempt)}/termination-log";
        var text = "";
        if (File.Exists(file))
        {
            using var stream = File.OpenRead(file);
            var bytes = new byte[LongestTerminationMessage];
            text = System.Text.Encoding.UTF8.GetString(bytes, 0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        }
        if (text.Length == 0 && exitCode != 0 && container.TerminationMessagePolicy == "FallbackToLogsOnError")
            text = CriLog.Tail(LogFile(container.Name, run.Attempt), MostLogLines, LongestLogMessage);
        return text.Length == 0 ? null : text;
    }

    private void TakeImage(string reference, string container, ImageStore.Resolved? resolved, ImageException? failure, DateTimeOffset now)
    {
        if (resolved is not null)
        {
            seen = seen with { Images = seen.Images.SetItem(reference, new ImageView { Image = resolved.Image }) };
            node.Events.Normal(pod, "Pulled", resolved.WasPresent
                ? $"Container image \"{reference}\" already present on machine"
                : $"Successfully pulled image \"{reference}\" in {resolved.Took.TotalSeconds:0.###}s", node.Node, container);
            return;
        }
        var failures = (seen.Images.GetValueOrDefault(reference)?.Trouble?.Failures ?? 0) + 1;
        var retry = now + node.BackOff.AfterFailure(failures);
        node.Events.Warning(pod, "Failed", failure!.Reason == ImageException.ErrImagePull ? $"Failed to pull image \"{reference}\": {failure.Message}" : failure.Message, node.Node, container);
        node.Events.Warning(pod, "Failed", $"Error: {failure.Reason}", node.Node, container);
        // The first failure is shown as itself, the pause between further attempts as back-off.
        var trouble = failures == 1 || failure.Reason != ImageException.ErrImagePull
            ? new Trouble(failure.Reason, failure.Message, retry, failures)
            : new Trouble("ImagePullBackOff", $"Back-off pulling image \"{reference}\": {failure.Reason}: {failure.Message}", retry, failures);
        if (failures > 1) node.Events.Normal(pod, "BackOff", $"Back-off pulling image \"{reference}\"", node.Node, container);
        seen = seen with { Images = seen.Images.SetItem(reference, new ImageView { Trouble = trouble }) };
    }

    private Task DoAsync(PodStep step, CancellationToken ct) => step switch
    {
        PodStep.PrepareSandbox => PrepareSandboxAsync(ct),
        PodStep.MountVolumes => MountVolumesAsync(ct),
        PodStep.PullImage pull => Pull(pull),
        PodStep.StartContainer start => StartContainerAsync(start, ct),
        PodStep.StopContainer stop => StopContainer(stop),
        PodStep.KillContainer kill => KillContainerAsync(kill.Container),
        PodStep.ReleaseSandbox => ReleaseAsync(),
        PodStep.Finish => FinishAsync(ct),
        _ => throw new InvalidOperationException($"no such step: {step}"),
    };

    private async Task PrepareSandboxAsync(CancellationToken ct)
    {
        try
        {
            Directory.CreateDirectory(directory);
            address = node.Network.Reserve(pod.Uid, pod.Spec.HostNetwork);
            SaveRecord(released: false);
            if (address.Netns is not null && !PodNetwork.Exists(address))
            {
                await PodNetwork.ClearAsync(address);
                await node.Network.CreateAsync(address, ct);
            }
            PodFiles.Write(directory, pod, address);
            seen = seen with { SandboxReady = true, SetupTrouble = null };
        }
        catch (Exception failure) when (failure is HostException or IOException)
        {
            SetUpFailed("FailedCreatePodSandBox", $"Failed to create pod sandbox: {failure.Message}");
        }
    }

    private async Task MountVolumesAsync(CancellationToken ct)
    {
        try
        {
            mounted = await volumes.SetUpAsync(Facts, ct);
            seen = seen with { VolumesReady = true, SetupTrouble = null };
            if (PodVolumes.NeedsRefresh(pod.Spec)) nextVolumeRefresh = node.Time.GetUtcNow() + VolumeRefresh;
        }
        catch (VolumeException failure)
        {
            SetUpFailed("FailedMount", failure.Message);
        }
    }

    private void SetUpFailed(string reason, string message)
    {
        var failures = (seen.SetupTrouble?.Failures ?? 0) + 1;
        node.Events.Warning(pod, reason, message, node.Node);
        // What is missing may come any moment; the kubelet's mount back-off starts at half a second and ends near two minutes.
        var pause = TimeSpan.FromSeconds(Math.Min(122, 0.5 * Math.Pow(2, Math.Min(failures - 1, 8))));
        seen = seen with { SetupTrouble = new Trouble(reason, message, node.Time.GetUtcNow() + pause, failures) };
    }

    private async Task RefreshVolumesAsync(CancellationToken ct)
    {
        var now = node.Time.GetUtcNow();
        if (now < nextVolumeRefresh || seen.Released || seen.TerminatingSince is not null) return;
        nextVolumeRefresh = now + VolumeRefresh;
        try
        {
            await volumes.SetUpAsync(Facts, ct);
        }
        catch (VolumeException failure)
        {
            // Running containers keep the contents they have.
            node.Events.Warning(pod, "FailedMount", failure.Message, node.Node);
        }
    }

    private Task Pull(PodStep.PullImage pull)
    {
        var known = seen.Images.GetValueOrDefault(pull.Reference);
        if (known is { Pulling: true }) return Task.CompletedTask;
        seen = seen with { Images = seen.Images.SetItem(pull.Reference, (known ?? new ImageView()) with { Pulling = true }) };
        _ = Task.Run(async () =>
        {
            Signal.Resolved outcome;
            try
            {
                var image = await node.Images.ResolveAsync(pull.Reference, pull.PullPolicy, stopping.Token);
                outcome = new Signal.Resolved(pull.Reference, pull.Container, image, null);
            }
            catch (ImageException failure)
            {
                outcome = new Signal.Resolved(pull.Reference, pull.Container, null, failure);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception failure)
            {
                outcome = new Signal.Resolved(pull.Reference, pull.Container, null, new ImageException(ImageException.ErrImagePull, failure.Message, failure));
            }
            mailbox.Writer.TryWrite(outcome);
        });
        return Task.CompletedTask;
    }

    private async Task StartContainerAsync(PodStep.StartContainer start, CancellationToken ct)
    {
        var (container, attempt) = (start.Container, start.Attempt);
        var now = node.Time.GetUtcNow();
        var bundle = Bundle(container.Name, attempt);
        var image = seen.Images[container.Image].Image!;
        var previous = seen.Container(container.Name).Current;
        if (previous is not null) await node.Runtime.DeleteAsync(previous.Id);
        try
        {
            if (Directory.Exists(bundle)) Directory.Delete(bundle, recursive: true);
            var imageVolumes = pod.Spec.Volumes.Where(volume => volume.Image is not null && seen.Images.GetValueOrDefault(volume.Image.Reference)?.Image is not null)
                .ToDictionary(volume => volume.Name, volume => seen.Images[volume.Image!.Reference].Image!);
            await node.Bundles.WriteAsync(new(container, Facts, address!, image, mounted, imageVolumes, directory, bundle), ct);
        }
        catch (ContainerConfigException failure)
        {
            CannotMake(container, "CreateContainerConfigError", failure.Message, now);
            return;
        }
        catch (Exception failure) when (failure is ApiException or IOException or HostException)
        {
            CannotMake(container, "CreateContainerError", failure.Message, now);
            return;
        }

        var run = new ContainerRun
        {
            Attempt = attempt,
            Id = NewId(),
            Image = container.Image,
            ImageId = image.Digest,
            CreatedAt = now,
            BackOffStep = start.BackOffStep,
        };
        run.Save(bundle); // before the container exists, so that a restarted kubelet knows to look for it
        if (previous is not null) DropOlder(container.Name, attempt);
        try
        {
            await node.Runtime.CreateAsync(run.Id, bundle, LogFile(container.Name, attempt), ct);
            node.Events.Normal(pod, "Created", $"Created container: {container.Name}", node.Node, container.Name);
            await node.Runtime.StartAsync(run.Id, ct);
            run = run with { StartedAt = node.Time.GetUtcNow() };
            run.Save(bundle);
            node.Events.Normal(pod, "Started", $"Started container {container.Name}", node.Node, container.Name);
        }
        catch (HostException failure)
        {
            node.Events.Warning(pod, "Failed", $"Error: {failure.Message}", node.Node, container.Name);
            await node.Runtime.DeleteAsync(run.Id);
            node.Runtime.Forget(run.Id);
            // What container engines report when the process cannot be started.
            run = run with { StartedAt = now, Exit = new RunExit(128, "StartError", failure.Message, node.Time.GetUtcNow()) };
            run.Save(bundle);
        }
        Track(container, run, previous);
        if (run.Exit is null && container.Lifecycle.PostStart is { } hook) _ = PostStartAsync(container, run, hook);
    }

    /// <summary>The run becomes the container's current one, with its end and its probes watched.</summary>
    private void Track(Container container, ContainerRun run, ContainerRun? previous, bool started = false, bool ready = false)
    {
        var probe = ProbeLoop.Initial(container);
        seen = seen.With(container.Name, view => new ContainerView
        {
            Current = run,
            Previous = previous ?? view.Previous,
            Started = probe.Started || started,
            Ready = probe.Ready || ready,
        });
        if (run.Exit is not null) return;
        node.Runtime.Watch(run.Id, Bundle(container.Name, run.Attempt), exit => mailbox.Writer.TryWrite(new Signal.Exited(container.Name, run.Id, exit)));
        if (!ProbeLoop.Needed(container)) return;
        var source = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        probes[container.Name] = source;
        var loop = new ProbeLoop(container, address?.Ip ?? node.Network.HostIp, (command, token) => node.Runtime.ExecAsync(run.Id, command, token), node.Time,
            message => node.Events.Warning(pod, "Unhealthy", message, node.Node, container.Name), log);
        _ = Task.Run(async () =>
        {
            try
            {
                await loop.RunAsync(verdict => mailbox.Writer.TryWrite(new Signal.Probed(container.Name, run.Id, verdict)), source.Token);
            }
            catch (OperationCanceledException)
            {
                // the container ended or the kubelet stops
            }
            catch (Exception failure)
            {
                log.LogError(failure, "Probes of container {Container} of pod {Pod} failed", container.Name, pod.Key);
            }
        });
    }

    private async Task PostStartAsync(Container container, ContainerRun run, Handler hook)
    {
        var failure = await RunHookAsync(run, hook, stopping.Token);
        if (failure is null) return;
        node.Events.Warning(pod, "FailedPostStartHook", $"PostStartHook failed: {failure}", node.Node, container.Name);
        mailbox.Writer.TryWrite(new Signal.HookFailed(container.Name, run.Id, "FailedPostStartHook"));
    }

    private void CannotMake(Container container, string reason, string message, DateTimeOffset now)
    {
        var failures = (seen.Container(container.Name).Trouble?.Failures ?? 0) + 1;
        node.Events.Warning(pod, "Failed", $"Error: {message}", node.Node, container.Name);
        seen = seen.With(container.Name, view => view with { Trouble = new Trouble(reason, message, now + node.BackOff.AfterFailure(1), failures) });
    }

    private Task StopContainer(PodStep.StopContainer stop)
    {
        var name = stop.Container.Name;
        seen = seen.With(name, view => view with { Stopping = new Stopping(stop.Deadline) });
        var run = seen.Container(name).Current!;
        if (!vanished) node.Events.Normal(pod, "Killing", stop.Why, node.Node, name);
        _ = Task.Run(async () =>
        {
            try
            {
                if (stop.Container.Lifecycle.PreStop is { } hook)
                {
                    var left = stop.Deadline - node.Time.GetUtcNow();
                    using var limit = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, node.Time);
                    if (await RunHookAsync(run, hook, limit.Token) is { } failure) node.Events.Warning(pod, "FailedPreStopHook", $"PreStopHook failed: {failure}", node.Node, name);
                }
                await node.Runtime.KillAsync(run.Id, StopSignal(stop.Container));
            }
            catch (Exception failure)
            {
                log.LogError(failure, "Stopping container {Container} of pod {Pod} failed", name, pod.Key);
            }
        });
        return Task.CompletedTask;
    }

    private string StopSignal(Container container) =>
        seen.Images.GetValueOrDefault(container.Image)?.Image?.Config.StopSignal is { Length: > 0 } signal ? signal : "SIGTERM";

    private async Task<string?> RunHookAsync(ContainerRun run, Handler hook, CancellationToken ct)
    {
        try
        {
            switch (hook)
            {
                case { Exec: { } action }:
                    var result = await node.Runtime.ExecAsync(run.Id, action.Command, ct);
                    return result.Ok ? null : result.Explanation;
                case { Sleep: { } sleep }:
                    await Task.Delay(TimeSpan.FromSeconds(sleep.Seconds), node.Time, ct);
                    return null;
                default:
                    return "this kubelet knows exec and sleep hooks only";
            }
        }
        catch (OperationCanceledException)
        {
            return "the grace period ended before the hook did";
        }
        catch (HostException failure)
        {
            return failure.Message;
        }
    }

    private async Task KillContainerAsync(string name)
    {
        seen = seen.With(name, view => view with { Stopping = new Stopping(view.Stopping?.Deadline ?? node.Time.GetUtcNow(), Killed: true) });
        await node.Runtime.KillAsync(seen.Container(name).Current!.Id, "SIGKILL");
    }

    private async Task ReleaseAsync()
    {
        await RemoveContainersAsync();
        if (address is not null) await node.Network.RemoveAsync(pod.Uid, address);
        seen = seen with { Released = true };
        SaveRecord(released: true);
    }

    private async Task FinishAsync(CancellationToken ct)
    {
        if (!vanished) await WriteStatusAsync(final: true, ct);
        await RemoveContainersAsync();
        if (address is not null) await node.Network.RemoveAsync(pod.Uid, address);
        PodRemains.Delete(node.Layout, node.Node, directory, pod);
        finished = true;
        if (vanished) return;
        var options = new JsonObject { ["gracePeriodSeconds"] = 0, ["preconditions"] = new JsonObject { ["uid"] = pod.Uid } };
        try
        {
            await node.Api.DeleteAsync(ResourceKey.Pods, pod.Namespace, pod.Name, options, ct);
        }
        catch (ApiException gone) when (gone.Code is 404 or 409)
        {
            log.LogDebug("Pod {Pod} was already removed: {Status}", pod.Key, gone.Message);
        }
    }

    private async Task RemoveContainersAsync()
    {
        foreach (var (name, view) in seen.Containers)
        {
            StopProbes(name);
            if (view.Current is not { } run) continue;
            await node.Runtime.DeleteAsync(run.Id);
            node.Runtime.Forget(run.Id);
        }
        ControlGroups.Remove($"{node.Identity.CgroupRoot}/{pod.Uid}");
    }

    /// <summary>Returns when a held-back write is due.</summary>
    private async Task<DateTimeOffset?> WriteStatusAsync(bool final, CancellationToken ct)
    {
        if (vanished) return null;
        var now = node.Time.GetUtcNow();
        var builder = new PodStatusBuilder(pod, seen, node.Network.HostIp, address?.Ip, startTime, node.BackOff, now);
        // Starting takes a fraction of a second as a rule: its steps are told together with their result.
        if (!final && builder.IsOnlyStarting && now < lastWrite + QuietStart) return lastWrite + QuietStart;
        var status = builder.Build();
        if (StatusComparison.Says(writtenStatus, status)) return null;
        try
        {
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Uid }, ["status"] = status.DeepClone() };
            var written = await node.Api.PatchAsync(ResourceKey.Pods, pod.Namespace, pod.Name, PatchKind.StrategicMerge, patch, "status", ct);
            writtenStatus = written["status"]?.DeepClone();
            pod = pod with { Status = KubeJson.Read<Pod>(written).Status };
            lastWrite = now;
            return null;
        }
        catch (ApiException failure) when (failure.Code is 404 or 409)
        {
            return null; // the object is gone or replaced: the feed will say so
        }
        catch (ApiException failure)
        {
            log.LogWarning("Status of pod {Pod} was refused: {Error}", pod.Key, failure.Message);
            lastWrite = now;
            return now + TimeSpan.FromSeconds(5);
        }
    }

    /// <summary>Picks up what an earlier process left of this pod.</summary>
    private async Task AdoptAsync(CancellationToken ct)
    {
        if (PodRecord.Load(directory) is { } record)
        {
            adopted = true;
            address = record.Address;
            startTime = record.StartTime;
            seen = seen with { Released = record.Released };
            if (!record.Released) node.Network.Adopt(pod.Uid, record.Address);
            if (PodNetwork.Exists(record.Address) && File.Exists($"{directory}/resolv.conf")) seen = seen with { SandboxReady = true };
            foreach (var container in AllContainers) await AdoptAsync(container, ct);
            log.LogInformation("Adopted pod {Pod}", pod.Key);
        }
        if (pod.Metadata.DeletionTimestamp is not null)
            Terminate(node.Time.GetUtcNow(), pod.Metadata.DeletionGracePeriodSeconds ?? pod.Spec.TerminationGracePeriodSeconds);
        else if (!adopted && pod.IsFinished)
            seen = seen with { Released = true };
    }

    private async Task AdoptAsync(Container container, CancellationToken ct)
    {
        if (PodRecord.Runs(directory, container.Name) is not [.., var run] runs) return;
        var previous = runs.Count > 1 ? runs[^2] : null;
        if (run is { Exit: null, StartedAt: null })
        {
            // The process died between creating and noting the start.
            switch (await node.Runtime.StateAsync(run.Id, ct))
            {
                case "running" or "stopped":
                    run = run with { StartedAt = run.CreatedAt };
                    run.Save(Bundle(container.Name, run.Attempt));
                    break;
                default:
                    await node.Runtime.DeleteAsync(run.Id);
                    node.Runtime.Forget(run.Id);
                    Directory.Delete(Bundle(container.Name, run.Attempt), recursive: true);
                    if (previous is null) return;
                    (run, previous) = (previous, null);
                    break;
            }
        }
        var known = pod.Status.ContainerStatuses.Concat(pod.Status.InitContainerStatuses)
            .FirstOrDefault(status => status.Name == container.Name && status.ContainerID == PodStatusBuilder.ContainerId(run));
        Track(container, run, previous, known?.Started ?? false, known?.Ready ?? false);
    }

    private void SaveRecord(bool released) => new PodRecord(address!, startTime, released, (JsonObject)raw.DeepClone()).Save(directory);

    private void StopProbes(string container)
    {
        if (!probes.Remove(container, out var source)) return;
        source.Cancel();
        source.Dispose();
    }

    /// <summary>Keeps the runs that the status and <c>logs --previous</c> show.</summary>
    private void DropOlder(string container, int attempt)
    {
        foreach (var old in Directory.EnumerateDirectories($"{directory}/containers/{container}"))
        {
            if (int.TryParse(Path.GetFileName(old), out var number) && number < attempt - 1)
            {
                Directory.Delete(old, recursive: true);
                File.Delete(LogFile(container, number));
            }
        }
    }

    private static string NewId() => System.Security.Cryptography.RandomNumberGenerator.GetHexString(64, lowercase: true);
}
