using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Input, sound, display, passthrough and other devices; I/O threads.</summary>
internal static class DeviceRules
{
    private static readonly HashSet<string> PanicModels = ["hyperv", "isa", "pvpanic"];

    public static IEnumerable<StatusCause> Inputs(InstanceContext c)
    {
        foreach (var (index, input) in (c.Devices.Inputs ?? []).Index())
        {
            var field = c.DevicesPath["inputs"][index];
            if (input.Bus is not (null or "" or "virtio" or "usb"))
                yield return Cause.Invalid(field["bus"], "Input device can have only virtio or usb bus.");
            if (input.Type != "tablet")
                yield return Cause.Invalid(field["type"], "Input device can have only tablet type.");
        }
    }

    public static IEnumerable<StatusCause> IoThreads(InstanceContext c)
    {
        if (c.Domain.IoThreadsPolicy is not { } policy)
            yield break;
        if (policy is not ("shared" or "auto" or "supplementalPool"))
            yield return Cause.Invalid(c.DomainPath["ioThreadsPolicy"], $"Invalid IOThreadsPolicy ({policy})");
        if (policy == "supplementalPool" && c.Domain.IoThreads?.SupplementalPoolThreadCount is null or < 1)
            yield return Cause.Invalid(c.DomainPath.At("ioThreads", "count"), "the number of iothreads needs to be set and positive for the dedicated policy");
    }

    public static IEnumerable<StatusCause> OneRamFramebuffer(InstanceContext c)
    {
        var framebuffers = (c.Devices.Gpus ?? []).Count(g => g.VirtualGPUOptions?.Display is { } display
            && display.Enabled is not false && (display.RamFB is null || display.RamFB.Enabled is true));
        if (framebuffers > 1)
            yield return Cause.Invalid(c.Path["GPUs"], "configuring multiple displays with ramfb is not valid ");
    }

    public static IEnumerable<StatusCause> HostDevices(InstanceContext c)
    {
        if (c.Devices.HostDevices is not null && !c.IsEnabled(FeatureGates.HostDevices))
            yield return Cause.Invalid(c.Path["HostDevices"], "Host Devices feature gate is not enabled in kubevirt-config");
    }

    public static IEnumerable<StatusCause> Sound(InstanceContext c)
    {
        if (c.Devices.Sound is not { } sound)
            yield break;
        if (sound.Model is not (null or "" or "ich9" or "ac97"))
            yield return Cause.Invalid(c.Path["Sound"], "Sound device type is not supported. Options: 'ich9' or 'ac97'");
        if (sound.Name is null or "")
            yield return Cause.Invalid(c.Path["Sound"], "Sound device requires a name field.");
    }

    public static IEnumerable<StatusCause> Vsock(InstanceContext c)
    {
        if (c.Devices.AutoattachVSOCK is true && !c.IsEnabled(FeatureGates.VSOCK))
            yield return Cause.Invalid(c.DevicesPath["autoattachVSOCK"], $"{FeatureGates.VSOCK} feature gate is not enabled in kubevirt-config");
    }

    public static IEnumerable<StatusCause> DownwardMetrics(InstanceContext c)
    {
        if (c.Devices.DownwardMetrics is not null && !c.IsEnabled(FeatureGates.DownwardMetrics))
            yield return Cause.Invalid(c.DevicesPath["downwardMetrics"], "downwardMetrics virtio serial is not allowed: DownwardMetrics feature gate is not enabled");
    }

    public static IEnumerable<StatusCause> VideoNeedsGraphics(InstanceContext c)
    {
        if (c.Devices is { Video: not null, AutoattachGraphicsDevice: false })
            yield return Cause.Invalid(c.Path["video"], "Video configuration is not allowed when autoattachGraphicsDevice is set to false");
    }

    public static IEnumerable<StatusCause> PanicDevices(InstanceContext c)
    {
        var field = c.DevicesPath["panicDevices"];
        if (c.Devices.PanicDevices is not { Count: > 0 } devices)
            yield break;
        if (c.Architecture == "s390x")
            yield return Cause.Invalid(field, "custom panic devices are not supported on s390x architecture");
        foreach (var (index, device) in devices.Index().Where(d => d.Item.Model is { } model && !PanicModels.Contains(model)))
            yield return Cause.Invalid(field[index]["model"], $"invalid PanicDeviceModel({device.Model})");
    }
}
