using System.Text.RegularExpressions;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>A guest's network interfaces: state, binding, model, addresses.</summary>
internal static partial class InterfaceRules
{
    /// <summary>The masquerade bridge inside of the pod has it.</summary>
    private const string BridgeMacAddress = "02:00:00:00:00:00";
    private static readonly HashSet<string> Models = ["", "e1000", "e1000e", "igb", "ne2k_pci", "pcnet", "rtl8139", "virtio"];

    public static IEnumerable<StatusCause> States(InstanceContext c)
    {
        var primary = c.Networks.FirstOrDefault(n => n.Pod is not null || n.Multus?.Default is true);
        foreach (var (index, nic) in c.Interfaces.Index())
        {
            var (field, state) = (Field(c, index)["state"], nic.State.OrEmpty());
            if (state is not ("" or "absent" or "up" or "down"))
                yield return Cause.Invalid(field, $"logical {nic.Name} interface state value is unsupported: {state}");
            if (nic.Sriov is not null && state is "up" or "down")
                yield return Cause.Invalid(field, $"\"{nic.Name}\" interface's state \"{state}\" is not supported for SR-IOV NICs");
            if (state == "absent" && nic.Bridge is null)
                yield return Cause.Invalid(field, $"\"{nic.Name}\" interface's state \"absent\" is supported only for bridge binding");
            if (state == "absent" && primary is not null && primary.Name == nic.Name)
                yield return Cause.Invalid(field, $"\"{nic.Name}\" interface's state \"absent\" is not supported on default networks");
        }
    }

    public static IEnumerable<StatusCause> Bindings(InstanceContext c) => c.Interfaces.Index().SelectMany(i => Binding(c, Field(c, i.Index), i.Item));

    private static IEnumerable<StatusCause> Binding(InstanceContext c, FieldPath field, Interface nic)
    {
        var onPodNetwork = NetworkOf(c, nic)?.Pod is not null;
        if (new object?[] { nic.Bridge, nic.Masquerade, nic.Sriov, nic.PasstBinding, nic.Binding }.Count(b => b is not null) != 1)
            yield return Cause.Invalid(field, $"logical {nic.Name} interface must have exactly one binding method or binding plugin");
        if (nic.Masquerade is not null && !onPodNetwork)
            yield return Cause.Invalid(field["name"], "Masquerade interface only implemented with pod network");
        if (nic.Masquerade is not null && nic.MacAddress == BridgeMacAddress)
            yield return Cause.Invalid(field["macAddress"], "The requested MAC address is reserved for the in-pod bridge. Please choose another one.");
        if (nic.Bridge is not null && onPodNetwork && !c.Config.PermitBridgeInterfaceOnPodNetwork)
            yield return Cause.Invalid(field["name"], "Bridge on pod network configuration is not enabled under kubevirt-config");
        if (nic.PasstBinding is not null && !c.IsEnabled(FeatureGates.PasstBinding))
            yield return Cause.Invalid(field["name"], "PasstBinding feature gate is not enabled");
        if (nic.PasstBinding is not null && !onPodNetwork)
            yield return Cause.Invalid(field["name"], "PasstBinding interface only implemented with pod network");
    }

    /// <summary>Bindings that were taken out; at creation only, so that what exists can still be updated.</summary>
    public static IEnumerable<StatusCause> Discontinued(InstanceContext c)
    {
        foreach (var (index, nic) in c.Interfaces.Index())
        {
            if (nic.Slirp is not null)
                yield return Cause.Invalid(Field(c, index)["slirp"], "Slirp interface support has been discontinued since v1.3");
            if (nic.Passt is not null)
                yield return Cause.Invalid(Field(c, index)["passt"], "Passt network binding has been discontinued since v1.3");
            if (nic.Macvtap is not null)
                yield return Cause.Invalid(Field(c, index)["macvtap"], "Macvtap network binding has been discontinued since v1.3");
        }
    }

    public static IEnumerable<StatusCause> NamesAreUnique(InstanceContext c)
    {
        HashSet<string> names = [];
        return c.Interfaces.Index().Where(i => !names.Add(i.Item.Name.OrEmpty()))
            .Select(i => Cause.Duplicate(Field(c, i.Index)["name"], "Only one interface can be connected to one specific network"));
    }

    public static IEnumerable<StatusCause> Fields(InstanceContext c) => c.Interfaces.Index().SelectMany(i => Fields(c, Field(c, i.Index), i.Item));

    private static IEnumerable<StatusCause> Fields(InstanceContext c, FieldPath field, Interface nic)
    {
        var name = field["name"];
        if (!NameCharacters().IsMatch(nic.Name.OrEmpty()))
            yield return Cause.Invalid(name, "Network interface name can only contain alphabetical characters, numbers, dashes (-) or underscores (_)");
        if (!Models.Contains(nic.Model.OrEmpty()))
            yield return Cause.NotSupported(field["model"], $"interface {name} uses model {nic.Model} that is not supported.");
        if (Names.MacAddressProblem(nic.MacAddress) is { } problem)
            yield return Cause.Invalid(field["macAddress"], $"interface {name} has {problem}.");
        if (nic.PciAddress is { Length: > 0 } pci && !Names.IsPciAddress(pci))
            yield return Cause.Invalid(field["pciAddress"], $"interface {name} has malformed PCI address ({pci}).");
        foreach (var cause in PortRules.Of(c, field, nic, NetworkOf(c, nic)).Concat(DhcpRules.Of(c, field, nic)))
            yield return cause;
    }

    private static FieldPath Field(InstanceContext c, int index) => c.DevicesPath["interfaces"][index];

    private static Network? NetworkOf(InstanceContext c, Interface nic) => c.Networks.LastOrDefault(n => n.Name.OrEmpty() == nic.Name.OrEmpty());

    [GeneratedRegex(@"^[A-Za-z0-9-_]+\z")]
    private static partial Regex NameCharacters();
}
