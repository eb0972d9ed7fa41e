using System.Reflection;
using Troupe.Messages.Api.KubeVirt;
using Xunit;

namespace Troupe.Protocol.Tests.Spec;

/// <summary>Whoever sets a field of a VMI's spec may expect that something comes of it, or that he is told that nothing does.</summary>
public sealed class NoFieldIsIgnoredTests
{
    private const string Model = "Troupe.Messages.Api.KubeVirt";

    /// <summary>Fields that nobody acts upon, and why that is right.</summary>
    private static readonly Dictionary<string, string> Exceptions = new(StringComparer.Ordinal)
    {
        ["spec.domain.devices.autoattachInputDevice"] = "a machine gives its instance the tablet; nothing comes of it in an instance by itself, as in KubeVirt",
        ["spec.utilityVolumes.type"] = "says what the volume is for, to whom it may concern",
        ["spec.networks.resourceClaim"] = RefusedAsAWhole,
        ["spec.networks.resourceClaim.claimName"] = RefusedAsAWhole,
        ["spec.networks.resourceClaim.requestName"] = RefusedAsAWhole,
        ["spec.domain.devices.watchdog.diag288.action"] = RefusedAsAWhole,
        ["spec.domain.devices.interfaces.macvtap"] = OtherBinding,
        ["spec.domain.devices.interfaces.passt"] = OtherBinding,
        ["spec.domain.devices.interfaces.slirp"] = OtherBinding,
        ["spec.volumes.containerPath.readOnly"] = "a path is shared as the pod has it; virtiofs of libvirt 9 has no other way (behind the gate ContainerPathVolumes)",
        ["spec.volumes.memoryDump.hotpluggable"] = "a memory dump's claim is always plugged in",
        ["spec.volumes.memoryDump.readOnly"] = "it is there to be written to",
        ["spec.domain.devices.filesystems.virtiofs"] = "there is no other kind",
        ["spec.domain.memory.reservedOverhead.memLock"] = "libvirt sets how much QEMU may lock, by what its devices need",
    };

    /// <summary>By the launcher's UnsupportedFields and converter, and by the node agent's networking.</summary>
    private const string RefusedAsAWhole = "the guest is not run if anything of it is set";
    private const string OtherBinding = "discontinued in KubeVirt, and refused by admission and node agent";

    [Fact]
    public void Every_field_of_a_VMIs_spec_is_read_by_who_acts_upon_it_or_is_listed_with_a_reason()
    {
        // Admission reads everything, and machines compare everything; neither makes anything of it.
        var reads = PropertyReads.Of(typeof(Launcher.Converter.DomainXml).Assembly, _ => true)
            .Concat(PropertyReads.Of(typeof(NodeActors.NodeActor).Assembly, _ => true))
            .Concat(PropertyReads.Of(typeof(ControlPlane.Vmi.VmiLifecycle).Assembly, ns => !ns.StartsWith("Troupe.ControlPlane.Admission", StringComparison.Ordinal) && !ns.StartsWith("Troupe.ControlPlane.Machines", StringComparison.Ordinal)))
            .ToHashSet();
        var ignored = Fields().Where(f => !reads.Contains((f.Type, f.Property))).Select(f => f.Path).ToList();
        Assert.Equal([], ignored.Except(Exceptions.Keys).Select(p => $"{p} is read by nobody"));
        Assert.Equal([], Exceptions.Keys.Except(ignored).Select(p => $"{p} is listed and yet read"));
    }

    /// <summary>All of the spec's, each type once. What is Kubernetes' own goes to the pod as it is.</summary>
    private static IEnumerable<(string Type, string Property, string Path)> Fields()
    {
        Queue<(Type Type, string Path)> left = new([(typeof(VirtualMachineInstanceSpec), "spec")]);
        HashSet<Type> seen = [];
        while (left.TryDequeue(out var next))
        {
            if (!seen.Add(next.Type))
                continue;
            foreach (var property in next.Type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(p => p.CanWrite))
            {
                var path = $"{next.Path}.{char.ToLowerInvariant(property.Name[0])}{property.Name[1..]}";
                yield return (next.Type.FullName!, property.Name, path);
                var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                foreach (var inner in type.IsGenericType ? type.GetGenericArguments() : [type])
                {
                    if (inner.Namespace == Model && inner.IsClass)
                        left.Enqueue((inner, path));
                }
            }
        }
    }
}
