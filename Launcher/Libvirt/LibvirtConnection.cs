using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Troupe.Launcher.Libvirt;

/// <summary>What libvirt calls back. On libvirt's event thread: take note and return.</summary>
internal interface ILibvirtObserver
{
    /// <param name="detail">Depends on the event: virDomainEventStoppedDetailType and its kin.</param>
    void Lifecycle(int lifecycleEvent, int detail);

    void Agent(bool connected);

    /// <summary>A device came or went, or a memory device has another size: what the domain has must be read again.</summary>
    /// <param name="problem">The device that the guest would not let go; else null.</param>
    void DevicesChanged(string? problem);

    /// <summary>The daemon is gone; the domain may well run on.</summary>
    void Closed();
}

/// <summary>A connection to one libvirt daemon, with its one domain. Calls block; make them off the event thread.</summary>
internal sealed unsafe partial class LibvirtConnection : IDisposable
{
    private const int KeepAliveSeconds = 5;
    private const uint KeepAliveCount = 3;
    private readonly nint _connection;
    private GCHandle _observer;
    private nint _domain;

    /// <exception cref="LibvirtException">The daemon does not answer (yet).</exception>
    public LibvirtConnection(string uri, ILibvirtObserver observer)
    {
        LibvirtEvents.Start();
        _connection = LibvirtNative.ConnectOpen(uri);
        if (_connection == 0)
            throw LibvirtException.Last($"connecting to {uri}");
        _observer = GCHandle.Alloc(observer);
        var opaque = GCHandle.ToIntPtr(_observer);
        _ = LibvirtNative.ConnectSetKeepAlive(_connection, KeepAliveSeconds, KeepAliveCount);
        Check(LibvirtNative.ConnectRegisterCloseCallback(_connection, &OnClosed, opaque, 0), "watching the connection");
        Check(LibvirtNative.ConnectDomainEventRegisterAny(_connection, 0, LibvirtNative.EventLifecycle, (delegate* unmanaged[Cdecl]<nint, nint, int, int, nint, int>)&OnLifecycle, opaque, 0), "watching the domain");
        Check(LibvirtNative.ConnectDomainEventRegisterAny(_connection, 0, LibvirtNative.EventAgentLifecycle, (delegate* unmanaged[Cdecl]<nint, nint, int, int, nint, void>)&OnAgent, opaque, 0), "watching the guest agent");
        Check(LibvirtNative.ConnectDomainEventRegisterAny(_connection, 0, LibvirtNative.EventDeviceRemoved, (delegate* unmanaged[Cdecl]<nint, nint, byte*, nint, void>)&OnDeviceRemoved, opaque, 0), "watching devices");
        Check(LibvirtNative.ConnectDomainEventRegisterAny(_connection, 0, LibvirtNative.EventDeviceRemovalFailed, (delegate* unmanaged[Cdecl]<nint, nint, byte*, nint, void>)&OnDeviceRemovalFailed, opaque, 0), "watching devices");
        Check(LibvirtNative.ConnectDomainEventRegisterAny(_connection, 0, LibvirtNative.EventMemoryDeviceSizeChange, (delegate* unmanaged[Cdecl]<nint, nint, byte*, ulong, nint, void>)&OnMemorySize, opaque, 0), "watching memory");
    }

    /// <summary>"9.0.0".</summary>
    public string LibraryVersion => Version(LibvirtNative.ConnectGetLibVersion(_connection, out var version), version);

    public string HypervisorVersion => Version(LibvirtNative.ConnectGetVersion(_connection, out var version), version);

    public bool HasDomain => _domain != 0;

    public nint Handle => _connection;

    /// <summary>Starts a transient domain.</summary>
    /// <param name="paused">Its CPUs wait until it is resumed.</param>
    public void Create(string xml, bool paused = false)
    {
        var domain = LibvirtNative.DomainCreateXml(_connection, xml, paused ? LibvirtNative.CreatePaused : 0);
        Adopt(domain != 0 ? domain : throw LibvirtException.Last("starting the domain"));
    }

    /// <summary>Takes over a domain that runs already; false when there is none.</summary>
    public bool Find(string uuid)
    {
        var domain = LibvirtNative.DomainLookupByUuidString(_connection, uuid);
        if (domain != 0)
        {
            Adopt(domain);
            return true;
        }

        var error = LibvirtException.Last("looking for the domain");
        return error.IsNoDomain ? false : throw error;
    }

    /// <returns>virDomainState and its reason.</returns>
    public (int State, int Reason) State()
    {
        Check(LibvirtNative.DomainGetState(_domain, out var state, out var reason, 0), "reading the domain's state");
        return (state, reason);
    }

    public string DomainXml() => Take(LibvirtNative.DomainGetXmlDesc(_domain, 0), "reading the domain");

    public void Shutdown(uint flags) => Check(LibvirtNative.DomainShutdownFlags(_domain, flags), "shutting the domain down");

    public void Destroy() => Check(LibvirtNative.DomainDestroyFlags(_domain, 0), "destroying the domain");

    /// <param name="command">A guest agent command as JSON.</param>
    public string AgentCommand(string command, int timeoutSeconds) =>
        Take(LibvirtNative.DomainQemuAgentCommand(_domain, command, timeoutSeconds, 0), "asking the guest agent");

    public string Capabilities() => Take(LibvirtNative.ConnectGetCapabilities(_connection), "reading capabilities");

    public string DomainCapabilities(string type) =>
        Take(LibvirtNative.ConnectGetDomainCapabilities(_connection, null, "x86_64", "q35", type, 0), "reading domain capabilities");

    /// <param name="type"><c>kvm</c> or <c>qemu</c>.</param>
    /// <returns>Why a guest with this CPU cannot run here; null when it can, or libvirt cannot tell.</returns>
    public string? CpuProblem(string type, string machine, string cpu)
    {
        // VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE: an incompatible CPU is an error, which says what is missing.
        const uint FailIncompatible = 1;
        const int CpuIncompatible = 91;
        if (LibvirtNative.ConnectCompareHypervisorCpu(_connection, null, null, machine, type, cpu, FailIncompatible) >= 0)
            return null;
        var error = LibvirtException.Last("comparing the guest's CPU with this node's");
        return error.Code == CpuIncompatible ? error.Message : null;
    }

    public void Dispose()
    {
        if (_domain != 0)
            _ = LibvirtNative.DomainFree(_domain);
        _ = LibvirtNative.ConnectClose(_connection);
        // The handle stays allocated: a callback may be on its way, and there are few connections in a launcher's life.
    }

    private void Adopt(nint domain)
    {
        if (_domain != 0)
            _ = LibvirtNative.DomainFree(_domain);
        _domain = domain;
    }

    private static void Check(int result, string what)
    {
        if (result < 0)
            throw LibvirtException.Last(what);
    }

    internal static string Take(byte* text, string what)
    {
        if (text is null)
            throw LibvirtException.Last(what);
        var result = Marshal.PtrToStringUTF8((nint)text)!;
        LibvirtNative.Free(text);
        return result;
    }

    /// <summary>libvirt packs versions as major * 1,000,000 + minor * 1,000 + release.</summary>
    private static string Version(int result, ulong version)
    {
        Check(result, "reading a version");
        return $"{version / 1_000_000}.{version / 1_000 % 1_000}.{version % 1_000}";
    }

    private static ILibvirtObserver Observer(nint opaque) => (ILibvirtObserver)GCHandle.FromIntPtr(opaque).Target!;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnLifecycle(nint connection, nint domain, int lifecycleEvent, int detail, nint opaque)
    {
        Observer(opaque).Lifecycle(lifecycleEvent, detail);
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnAgent(nint connection, nint domain, int state, int reason, nint opaque) =>
        // VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED
        Observer(opaque).Agent(connected: state == 1);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDeviceRemoved(nint connection, nint domain, byte* alias, nint opaque) => Observer(opaque).DevicesChanged(problem: null);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDeviceRemovalFailed(nint connection, nint domain, byte* alias, nint opaque) =>
        Observer(opaque).DevicesChanged(Marshal.PtrToStringUTF8((nint)alias));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnMemorySize(nint connection, nint domain, byte* alias, ulong size, nint opaque) => Observer(opaque).DevicesChanged(problem: null);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnClosed(nint connection, int reason, nint opaque) => Observer(opaque).Closed();
}
