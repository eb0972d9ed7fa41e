using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Hosting;

/// <summary>Whether guests are emulated: as the administrator says, else when no node offers /dev/kvm.</summary>
public sealed class EmulationPolicy(IKubeClient kubernetes, ControlPlaneOptions options, ILogger<EmulationPolicy> log)
{
    private volatile bool _emulate = options.UseEmulation ?? true;

    public LauncherPodOptions PodOptions() => new(options.LauncherImage, _emulate, options.QemuTimeoutSeconds);

    public async Task RefreshAsync(CancellationToken ct)
    {
        if (options.UseEmulation is not null)
            return;
        var nodes = await kubernetes.ListAsync<Node>(null, ct: ct);
        _emulate = !nodes.Items.Any(n => n.Status?.Allocatable?.TryGetValue(DeviceResources.Kvm, out var kvm) is true && kvm.Value > 0);
        log.LogInformation("guests run {How}", _emulate ? "emulated: no node has /dev/kvm" : "under KVM");
    }
}
