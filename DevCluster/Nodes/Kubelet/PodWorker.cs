using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Images;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Network;
using Troupe.DevCluster.Nodes.Volumes;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>
/// Brings one pod to what its object says: asks <see cref="PodPlan"/>, does the steps, writes the status. Everything it needs to go on
/// after a restart of this process lies in the pod's directory.
/// </summary>
internal sealed partial class PodWorker
{
    private static readonly TimeSpan SetupRetry = TimeSpan.FromSeconds(1);

    /// <summary>How often changed config maps, secrets and tokens are looked for.</summary>
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(5);

    private readonly NodeServices node;
    private readonly Channel<Action> inbox = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationToken stop;
    private readonly string directory;
    private Pod pod;
    private PodObservation seen = new();
    private PodAddress? address;
    private IReadOnlyDictionary<string, MountedVolume> volumes = new Dictionary<string, MountedVolume>();
    private JsonObject? written;
    private readonly Dictionary<string, CancellationTokenSource> probing = [];
    private DateTimeOffset refreshAt;
    private bool objectGone;
    private DateTimeOffset startedAt;

    public PodWorker(NodeServices node, Pod pod, CancellationToken stop)
    {
        (this.node, this.pod, this.stop) = (node, pod, stop);
        directory = node.Layout.Pod(node.Node, pod.Uid);
        startedAt = pod.Status.StartTime ?? node.Time.GetUtcNow();
    }

    public string Node => node.Node;

    /// <summary>The end of <see cref="RunAsync"/>.</summary>
    public Task Ended { get; set; } = Task.CompletedTask;

    /// <summary>Ends when the pod and everything of it is gone.</summary>
    public async Task RunAsync()
    {
        try
        {
            Adopt();
            Observe(pod);
            while (!stop.IsCancellationRequested && await StepAsync()) { }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The containers run on; the next process takes them over.
        }
    }

    public void Update(Pod latest) => inbox.Writer.TryWrite(() => Observe(latest));

    /// <summary>The object was removed by force: nothing may be left of the pod.</summary>
    public void Vanish() => inbox.Writer.TryWrite(() =>
    {
        objectGone = true;
        seen = seen with { TerminatingSince = seen.TerminatingSince ?? node.Time.GetUtcNow(), TerminationGrace = TimeSpan.Zero };
    });

    /// <returns>False when the pod is done with.</returns>
    private async Task<bool> StepAsync()
    {
        while (inbox.Reader.TryRead(out var news)) news();
        var now = node.Time.GetUtcNow();
        if (seen.Failure is null && !pod.IsFinished && pod.Spec.ActiveDeadlineSeconds is { } limit && startedAt + TimeSpan.FromSeconds(limit) <= now)
            seen = seen with { Failure = new PodFailure("DeadlineExceeded", "Pod was active on the node longer than the specified deadline") };
        if (seen is { VolumesReady: true, Released: false, TerminatingSince: null } && now >= refreshAt && PodVolumes.NeedsRefresh(pod.Spec)) await MountVolumesAsync();
        var decision = PodPlan.Next(pod, seen, node.BackOff, now);
        foreach (var step in decision.Steps)
        {
            if (step is PodStep.Finish)
            {
                await FinishAsync();
                return false;
            }
            await DoAsync(step);
        }

        await WriteStatusAsync();
        if (decision.Steps.Count > 0) return true;
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (WakeAt(decision) is { } at) wake.CancelAfter(at - node.Time.GetUtcNow() is { Ticks: > 0 } wait ? wait + TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(1));
        try
        {
            await inbox.Reader.WaitToReadAsync(wake.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // Time to look again.
        }
        return true;
    }

    private DateTimeOffset? WakeAt(PodDecision decision)
    {
        DateTimeOffset?[] times =
        [
            decision.WakeAt,
            seen is { VolumesReady: true, Released: false } && PodVolumes.NeedsRefresh(pod.Spec) ? refreshAt : null,
            seen.Failure is null && !seen.Released && pod.Spec.ActiveDeadlineSeconds is { } limit ? startedAt + TimeSpan.FromSeconds(limit) : null,
        ];
        return times.Min();
    }

    private void Observe(Pod latest)
    {
        pod = latest;
        // The node's controller takes readiness away when heartbeats fail; whoever is alive after all says it again.
        if (written is not null && latest.IsReady != KubeJson.Read<PodStatus>(written).Conditions.Exists(c => c is { Type: "Ready", Status: "True" })) written = null;
        if (latest.Metadata.DeletionTimestamp is not { } deleted) return;
        var grace = TimeSpan.FromSeconds(latest.Metadata.DeletionGracePeriodSeconds ?? latest.Spec.TerminationGracePeriodSeconds);
        // deletionTimestamp lies in the future by the grace period.
        seen = seen with { TerminatingSince = seen.TerminatingSince ?? deleted - grace, TerminationGrace = grace };
    }

    private async Task DoAsync(PodStep step)
    {
        switch (step)
        {
            case PodStep.PrepareSandbox:
                await PrepareSandboxAsync();
                break;
            case PodStep.MountVolumes:
                await MountVolumesAsync();
                break;
            case PodStep.PullImage pull:
                Pull(pull);
                break;
            case PodStep.StartContainer start:
                await StartAsync(start);
                break;
            case PodStep.StopContainer stopping:
                seen = seen.With(stopping.Container.Name, v => v with { Stopping = new Stopping(stopping.Deadline) });
                node.Events.Record(pod, "Normal", "Killing", stopping.Why);
                Stop(stopping);
                break;
            case PodStep.KillContainer kill:
                seen = seen.With(kill.Container, v => v with { Stopping = (v.Stopping ?? new Stopping(node.Time.GetUtcNow())) with { Killed = true } });
                await node.Runtime.KillAsync(seen.Container(kill.Container).Current!.Id, "KILL");
                break;
            case PodStep.ReleaseSandbox:
                await ReleaseAsync();
                seen = seen with { Released = true };
                AtomicFile.Write($"{directory}/released", "");
                break;
        }
    }

    private async Task PrepareSandboxAsync()
    {
        try
        {
            Directory.CreateDirectory(directory);
            address = node.Network.Reserve(pod.Uid, pod.Spec.HostNetwork);
            // Noted before it exists, so that a crash in between leaves nothing that nobody knows of.
            AtomicFile.Write($"{directory}/sandbox.json", JsonSerializer.Serialize(new SandboxRecord(pod.Namespace, pod.Name, address), NodeFiles.Default.SandboxRecord));
            if (!PodNetwork.Exists(address)) await node.Network.CreateAsync(address, stop);
            PodFiles.Write(directory, pod, address, node.Network.HostIp);
            seen = seen with { SandboxReady = true, SetupTrouble = null };
        }
        catch (Exception failure) when (failure is HostException or IOException)
        {
            Trouble("FailedCreatePodSandBox", $"Failed to create pod sandbox: {failure.Message}");
        }
    }

    private async Task MountVolumesAsync()
    {
        try
        {
            refreshAt = node.Time.GetUtcNow() + RefreshInterval;
            volumes = await new PodVolumes(node.Api, node.Claims, directory).SetUpAsync(Facts(), stop);
            seen = seen with { VolumesReady = true, SetupTrouble = null };
        }
        catch (VolumeException failure)
        {
            Trouble(failure.Reason, failure.Message);
        }
    }

    private void Trouble(string reason, string message)
    {
        var failures = (seen.SetupTrouble?.Failures ?? 0) + 1;
        seen = seen with { SetupTrouble = new Trouble(reason, message, node.Time.GetUtcNow() + SetupRetry * Math.Min(failures, 30), failures) };
        node.Events.Record(pod, "Warning", reason, message);
    }

    private void Pull(PodStep.PullImage pull)
    {
        SetImage(pull.Reference, v => v with { Pulling = true });
        _ = Task.Run(async () =>
        {
            try
            {
                var resolved = await node.Images.ResolveAsync(pull.Reference, pull.PullPolicy, stop);
                node.Events.Record(pod, "Normal", "Pulled", resolved.WasPresent
                    ? $"Container image \"{pull.Reference}\" already present on machine"
                    : $"Successfully pulled image \"{pull.Reference}\" in {resolved.Took.TotalMilliseconds:0}ms");
                inbox.Writer.TryWrite(() => SetImage(pull.Reference, _ => new ImageView { Image = resolved.Image }));
            }
            catch (ImageException failure)
            {
                node.Events.Record(pod, "Warning", "Failed", $"Failed to pull image \"{pull.Reference}\": {failure.Message}");
                inbox.Writer.TryWrite(() =>
                {
                    var failures = (seen.Images.GetValueOrDefault(pull.Reference)?.Trouble?.Failures ?? 0) + 1;
                    SetImage(pull.Reference, _ => new ImageView
                    {
                        Trouble = new Trouble(failures > 1 && failure.Reason == ImageException.ErrImagePull ? "ImagePullBackOff" : failure.Reason, failure.Message,
                            node.Time.GetUtcNow() + node.BackOff.AfterFailure(failures), failures),
                    });
                });
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // This process ends; the next one asks for the image again.
            }
        }, CancellationToken.None);
    }

    private void SetImage(string reference, Func<ImageView, ImageView> change) =>
        seen = seen with { Images = seen.Images.SetItem(reference, change(seen.Images.GetValueOrDefault(reference, new ImageView()))) };

    private async Task StartAsync(PodStep.StartContainer start)
    {
        var container = start.Container;
        var view = seen.Container(container.Name);
        var bundle = Bundle(container.Name, start.Attempt);
        var id = $"{pod.Uid[..8]}-{container.Name}-{start.Attempt}-{Guid.NewGuid().ToString("n")[..6]}";
        try
        {
            if (Directory.Exists(bundle)) Directory.Delete(bundle, recursive: true);
            Directory.CreateDirectory(bundle);
            var image = seen.Images[container.Image].Image!;
            var imageVolumes = pod.Spec.Volumes.Where(v => v.Image is not null && seen.Images.GetValueOrDefault(v.Image.Reference)?.Image is not null)
                .ToDictionary(v => v.Name, v => seen.Images[v.Image!.Reference].Image!);
            await node.Bundles.WriteAsync(new BundleFactory.Inputs(container, Facts(), address!, image, volumes, imageVolumes, directory, bundle) { PidNamespace = PidNamespaceOf(container.TargetContainerName) }, stop);
            var run = new ContainerRun { Attempt = start.Attempt, Id = id, Image = container.Image, ImageId = image.Digest, CreatedAt = node.Time.GetUtcNow(), BackOffStep = start.BackOffStep };
            run.Save(bundle);
            await node.Runtime.CreateAsync(id, bundle, LogFile(container.Name, start.Attempt), container, stop);
            await node.Runtime.StartAsync(id, stop);
            run = run with { StartedAt = node.Time.GetUtcNow() };
            run.Save(bundle);
            Running(container, run, view.Current);
            PostStart(container, run);
            node.Events.Record(pod, "Normal", "Created", $"Created container: {container.Name}");
            node.Events.Record(pod, "Normal", "Started", $"Started container {container.Name}");
        }
        catch (Exception failure) when (failure is ContainerConfigException or HostException or IOException)
        {
            await node.Runtime.DeleteAsync(id);
            var reason = failure is ContainerConfigException ? "CreateContainerConfigError" : "CreateContainerError";
            var failures = (view.Trouble?.Failures ?? 0) + 1;
            seen = seen.With(container.Name, v => v with { Trouble = new Trouble(reason, failure.Message, node.Time.GetUtcNow() + node.BackOff.AfterFailure(failures), failures) });
            node.Events.Record(pod, "Warning", "Failed", $"Error: {failure.Message}");
        }
    }

    private void Exited(Container container, string id, ContainerExit exit)
    {
        if (seen.Container(container.Name).Current is not { } run || run.Id != id) return;
        Unprobe(container.Name);
        var bundle = Bundle(container.Name, run.Attempt);
        var starved = exit.ExitCode != 0 && (exit.OutOfMemory || ControlGroups.RanOutOfMemory(BundleFactory.CgroupOf(node.Identity.CgroupRoot, pod, container)));
        var reason = starved ? "OOMKilled" : exit.ExitCode == 0 ? "Completed" : "Error";
        run = run with { Exit = new RunExit(exit.ExitCode, reason, TerminationMessage(container, run.Attempt, exit.ExitCode), exit.FinishedAt) };
        run.Save(bundle);
        node.Runtime.Forget(id);
        _ = node.Runtime.DeleteAsync(id);
        seen = seen.With(container.Name, v => v with { Current = run, Started = false, Ready = false, Stopping = null });
    }

    private async Task WriteStatusAsync()
    {
        if (objectGone) return;
        var status = PodStatusRenderer.Render(pod, seen, node.Network.HostIp, address?.Ip, startedAt, node.Time.GetUtcNow());
        if (written is not null && JsonNode.DeepEquals(written, status)) return;
        try
        {
            var answer = await node.Api.PatchAsync(ResourceKey.Pods, pod.Namespace, pod.Name, PatchKind.StrategicMerge,
                new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Uid }, ["status"] = status.DeepClone() }, "status", stop);
            written = status;
            var latest = KubeJson.Read<Pod>(answer);
            if (latest.Uid == pod.Uid) Observe(latest);
        }
        catch (ApiException gone) when (gone.Code is 404 or 409)
        {
            node.Log.LogDebug("status of pod {Pod}: {Error}", pod.Key, gone.Message);
        }
        catch (ApiException failure)
        {
            node.Log.LogWarning("status of pod {Pod} not written: {Error}", pod.Key, failure.Message);
        }
    }

    private async Task FinishAsync()
    {
        await WriteStatusAsync();
        await ReleaseAsync();
        if (Directory.Exists(directory))
        {
            foreach (var mount in MountTable.Below(directory)) Native.Unmount(mount);
            Directory.Delete(directory, recursive: true);
        }

        var logs = node.Layout.PodLogs(node.Node, pod.Namespace, pod.Name, pod.Uid);
        if (Directory.Exists(logs)) Directory.Delete(logs, recursive: true);
        if (objectGone) return;
        try
        {
            await node.Api.DeleteAsync(ResourceKey.Pods, pod.Namespace, pod.Name,
                new JsonObject { ["gracePeriodSeconds"] = 0, ["preconditions"] = new JsonObject { ["uid"] = pod.Uid } }, stop);
        }
        catch (ApiException gone) when (gone.Code is 404 or 409)
        {
            // Somebody else was quicker.
        }
    }

    private async Task ReleaseAsync()
    {
        foreach (var run in seen.Containers.Values.Select(v => v.Current).OfType<ContainerRun>())
        {
            node.Runtime.Forget(run.Id);
            await node.Runtime.DeleteAsync(run.Id);
        }

        await node.Claims.ReleaseAsync(pod.Uid, stop);
        if (address is not null) await node.Network.RemoveAsync(pod.Uid, address);
        ControlGroups.Remove($"{node.Identity.CgroupRoot}/{pod.Uid}");
    }

    /// <summary>Takes over what an earlier process left running.</summary>
    private void Adopt()
    {
        if (!File.Exists($"{directory}/sandbox.json")) return;
        address = JsonSerializer.Deserialize(File.ReadAllText($"{directory}/sandbox.json"), NodeFiles.Default.SandboxRecord)!.Address;
        node.Network.Adopt(pod.Uid, address);
        var released = File.Exists($"{directory}/released");
        if (pod.Status is { Phase: "Failed", Reason.Length: > 0 }) seen = seen with { Failure = new PodFailure(pod.Status.Reason, pod.Status.Message) };
        seen = seen with { SandboxReady = released || PodNetwork.Exists(address), Released = released };
        foreach (var container in pod.Spec.AllContainers)
        {
            var runs = Directory.Exists($"{directory}/containers/{container.Name}")
                ? Directory.EnumerateDirectories($"{directory}/containers/{container.Name}").Select(ContainerRun.Load).OfType<ContainerRun>().OrderBy(r => r.Attempt).ToList()
                : [];
            if (runs is not [.., var last]) continue;
            var previous = runs.Count > 1 ? runs[^2] : null;
            if (last.Exit is not null) seen = seen.With(container.Name, _ => new ContainerView { Current = last, Previous = previous });
            else if (last.StartedAt is not null) Running(container, last, previous);
            else _ = node.Runtime.DeleteAsync(last.Id);
        }
    }

    private string? PidNamespaceOf(string container) =>
        container.Length > 0 && seen.Container(container).Current is { Exit: null } run && RuncRuntime.ReadPid($"{Bundle(container, run.Attempt)}/pid") is { } pid ? $"/proc/{pid}/ns/pid" : null;

    private PodFacts Facts() => new(pod, node.Network.HostIp, address?.Ip, node.Allocatable);

    private string Bundle(string container, int attempt) => $"{directory}/containers/{container}/{attempt}";

    private string LogFile(string container, int attempt) => $"{node.Layout.PodLogs(node.Node, pod.Namespace, pod.Name, pod.Uid)}/{container}/{attempt}.log";
}

/// <summary>What the directory of a pod says of its sandbox.</summary>
internal sealed record SandboxRecord(string Namespace, string Name, PodAddress Address);
