using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Installation;

/// <summary>The KubeVirt object: one in the cluster, with settings that make sense, and not removed over the heads of its workloads where that is not wanted.</summary>
internal static class KubeVirtAdmission
{
    private const string BlockUninstall = "BlockUninstallIfWorkloadsExist";

    public static async Task<AdmissionAnswer> ValidateCreate(AdmissionCall call, CancellationToken ct)
    {
        var (installation, refusal) = call.Read<KubeVirt>();
        if (installation is null)
            return refusal!;
        return (await call.Objects.ListAsync<KubeVirt>(null, ct)).Count > 0
            ? Verdict.Error("Kubevirt is already created")
            : Judge(null, installation);
    }

    public static Task<AdmissionAnswer> ValidateUpdate(AdmissionCall call, CancellationToken ct)
    {
        var (installation, refusal) = call.Read<KubeVirt>();
        return Task.FromResult<AdmissionAnswer>(installation is null ? refusal! : Judge(call.ReadOld<KubeVirt>(), installation));
    }

    public static async Task<AdmissionAnswer> ValidateDelete(AdmissionCall call, CancellationToken ct)
    {
        // An installation that is not in place, or going already, holds no workloads.
        if (call.ReadOld<KubeVirt>() is not { Spec.UninstallStrategy: BlockUninstall } installation || installation.Status?.Phase is not (null or "" or "Deployed"))
            return AdmissionAnswer.Allowed;
        var left = (await call.Objects.ListAsync<VirtualMachineInstance>(null, ct)).Count > 0 ? "Virtual Machine Instances"
            : (await call.Objects.ListAsync<VirtualMachine>(null, ct)).Count > 0 ? "Virtual Machines"
            : (await call.Objects.ListAsync<VirtualMachineInstanceReplicaSet>(null, ct)).Count > 0 ? "Virtual Machine Instance Replica Sets"
            : null;
        return left is null
            ? AdmissionAnswer.Allowed
            : Verdict.Error($"Rejecting the uninstall request, since there are still {left} present. Either delete all KubeVirt related workloads or change the uninstall strategy before uninstalling KubeVirt.");
    }

    /// <summary>All causes are shown: who installs should not have to try ten at a time.</summary>
    private static Verdict Judge(KubeVirt? old, KubeVirt installation)
    {
        var spec = installation.Spec ?? new KubeVirtSpec();
        return Verdict.Of(KubeVirtRules.All(old?.Spec, spec, ClusterConfigReader.Read(installation)), [.. KubeVirtRules.Warnings(old?.Spec, spec)], int.MaxValue);
    }
}
