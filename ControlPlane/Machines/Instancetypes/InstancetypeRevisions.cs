using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>The ControllerRevision that keeps an instance type or preference as a machine first used it: later changes of it don't reach the machine.</summary>
public static class InstancetypeRevisions
{
    public const string ObjectVersion = "v1beta1";
    private const string LabelPrefix = "instancetype.kubevirt.io/";

    /// <param name="used">An instance type or preference, as read from the API server.</param>
    public static ControllerRevision Make(VirtualMachine machine, KubeObject used, string kind) => new()
    {
        ApiVersion = "apps/v1",
        Kind = "ControllerRevision",
        Metadata = new ObjectMeta
        {
            Name = Name(machine.Metadata.Name!, used.Metadata),
            Namespace = machine.Metadata.Namespace,
            OwnerReferences = [InstanceBuilder.Owner(machine)],
            Labels = new Dictionary<string, string>
            {
                [LabelPrefix + "object-version"] = ObjectVersion,
                [LabelPrefix + "object-kind"] = kind,
                [LabelPrefix + "object-name"] = used.Metadata.Name!,
                [LabelPrefix + "object-uid"] = used.Metadata.Uid!,
                [LabelPrefix + "object-generation"] = Generation(used.Metadata),
            },
        },
        Data = JsonSerializer.SerializeToElement(Bare(used, kind), ApiJson.Default.GetTypeInfo(used.GetType())!),
    };

    /// <summary>Unique to machine, object and the object's generation, so that the same use finds the same revision.</summary>
    public static string Name(string machine, ObjectMeta used) => $"{machine}-{used.Name}-{used.Uid}-{Generation(used)}";

    public static VirtualMachineInstancetypeSpec? Instancetype(ControllerRevision revision) =>
        Spec(revision)?.Deserialize(ApiJson.Default.VirtualMachineInstancetypeSpec);

    public static VirtualMachinePreferenceSpec? Preference(ControllerRevision revision) =>
        Spec(revision)?.Deserialize(ApiJson.Default.VirtualMachinePreferenceSpec);

    /// <summary>
    /// Current revisions hold the object. The first ones (v1alpha1) held an envelope of a version and the spec in base64; its fields
    /// are a subset of today's, so the spec inside is read as it is.
    /// </summary>
    private static JsonNode? Spec(ControllerRevision revision)
    {
        if (revision.Data is not { } data)
            return null;
        var spec = JsonNode.Parse(data.GetRawText())?["spec"];
        return spec is JsonValue encoded ? JsonNode.Parse(Convert.FromBase64String((string)encoded!)) : spec;
    }

    private static KubeObject Bare(KubeObject used, string kind) => used with
    {
        ApiVersion = $"instancetype.kubevirt.io/{ObjectVersion}",
        Kind = kind,
        Metadata = used.Metadata with { ManagedFields = null, ResourceVersion = null },
    };

    private static string Generation(ObjectMeta used) => (used.Generation ?? 1).ToString(CultureInfo.InvariantCulture);
}
