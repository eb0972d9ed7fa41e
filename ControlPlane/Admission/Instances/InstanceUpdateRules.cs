using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>A VMI's spec changes through subresources alone, which the control plane writes; and then only in what can be plugged.</summary>
internal static class InstanceUpdateRules
{
    private const string NodeNameClaim = "authentication.kubernetes.io/node-name";
    private const string NodeAgentAccount = "kubevirt-handler";

    public static Verdict Verdict(AdmissionCall call, VirtualMachineInstance old, VirtualMachineInstance vmi)
    {
        if (NodeProblem(call, old, vmi) is { } problem)
            return Refused(Cause.FieldValueInvalid, problem);
        if (!ApiEquality.Same(old.Spec, vmi.Spec))
        {
            if (!call.BySystem)
                return Refused(Cause.FieldValueNotSupported, "update of VMI object is restricted");
            if (HotplugRules.Problems(old, vmi, call.Config).ToList() is { Count: > 0 } causes)
                return Admission.Verdict.Of(causes);
        }

        if (!call.BySystem && !Same(MetadataRules.Reserved(old.Metadata.Labels), MetadataRules.Reserved(vmi.Metadata.Labels)))
            return Refused(Cause.FieldValueNotSupported, "modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited");
        return Admission.Verdict.AllowedWith(InstanceRules.Warnings(vmi.Spec ?? new VirtualMachineInstanceSpec(), call.Config));
    }

    /// <summary>A node's agent may write the VMIs on its own node, so that one lost node can't take over the others' guests.</summary>
    private static string? NodeProblem(AdmissionCall call, VirtualMachineInstance old, VirtualMachineInstance vmi)
    {
        var user = call.Request.UserInfo;
        if (!call.Config.IsEnabled(FeatureGates.NodeRestriction) || !call.BySystem || !user.Username.EndsWith(NodeAgentAccount, StringComparison.Ordinal))
            return null;
        if (user.Extra?.GetValueOrDefault(NodeNameClaim) is not [var node, ..])
            return "Node restriction failed, virt-handler service account is missing node name";
        var target = old.Status?.MigrationState?.TargetNode.OrEmpty() ?? "";
        if (node != old.Status?.NodeName.OrEmpty() && (target.Length == 0 || node != target))
            return "Node restriction, virt-handler is only allowed to modify VMIs it owns";
        return target.Length == 0 && vmi.Status?.MigrationState is { TargetNode.Length: > 0 } ? "Node restriction, virt-handler is not allowed to set target node" : null;
    }

    private static Verdict Refused(string reason, string message) => Admission.Verdict.Of([new StatusCause { Reason = reason, Message = message }]);

    private static bool Same(Dictionary<string, string> one, Dictionary<string, string> other) => one.Count == other.Count && one.All(l => other.GetValueOrDefault(l.Key) == l.Value);
}
