using System.Runtime.InteropServices;

namespace Troupe.Launcher.Libvirt;

/// <summary>The part of libvirt's C API that the launcher needs. Names and numbers are libvirt's.</summary>
internal static unsafe partial class LibvirtNative
{
    private const string Library = "libvirt.so.0";
    private const string QemuLibrary = "libvirt-qemu.so.0";

    public const int EventLifecycle = 0;
    public const int EventReboot = 1;
    public const int EventDeviceRemoved = 15;
    public const int EventAgentLifecycle = 18;
    public const int EventDeviceRemovalFailed = 22;
    public const int EventMemoryDeviceSizeChange = 26;
    public const uint CreatePaused = 1;
    public const uint XmlSecure = 1;
    public const uint XmlMigratable = 8;
    public const uint RebootAcpi = 1;
    public const uint RebootAgent = 2;
    public const uint AffectLive = 1;
    public const uint DumpMemoryOnly = 16;
    public const uint DumpFormatRaw = 0;
    public const uint ShutdownAcpi = 1;
    public const uint ShutdownAgent = 2;

    /// <summary>virErrorNumber.</summary>
    public const int ErrorNoDomain = 42;
    public const int ErrorOperationInvalid = 55;
    public const int ErrorAgentUnresponsive = 86;

    [StructLayout(LayoutKind.Sequential)]
    public struct Error
    {
        public int Code;
        public int Domain;
        public byte* Message;
        public int Level;
    }

    [LibraryImport(Library, EntryPoint = "virInitialize")]
    public static partial int Initialize();

    [LibraryImport(Library, EntryPoint = "virEventRegisterDefaultImpl")]
    public static partial int EventRegisterDefaultImpl();

    [LibraryImport(Library, EntryPoint = "virEventRunDefaultImpl")]
    public static partial int EventRunDefaultImpl();

    [LibraryImport(Library, EntryPoint = "virEventAddTimeout")]
    public static partial int EventAddTimeout(int milliseconds, delegate* unmanaged[Cdecl]<int, nint, void> callback, nint opaque, nint free);

    [LibraryImport(Library, EntryPoint = "virSetErrorFunc")]
    public static partial void SetErrorFunc(nint data, delegate* unmanaged[Cdecl]<nint, Error*, void> handler);

    [LibraryImport(Library, EntryPoint = "virGetLastError")]
    public static partial Error* GetLastError();

    [LibraryImport(Library, EntryPoint = "virConnectOpen", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint ConnectOpen(string uri);

    [LibraryImport(Library, EntryPoint = "virConnectClose")]
    public static partial int ConnectClose(nint connection);

    [LibraryImport(Library, EntryPoint = "virConnectGetLibVersion")]
    public static partial int ConnectGetLibVersion(nint connection, out ulong version);

    [LibraryImport(Library, EntryPoint = "virConnectGetVersion")]
    public static partial int ConnectGetVersion(nint connection, out ulong version);

    [LibraryImport(Library, EntryPoint = "virConnectRegisterCloseCallback")]
    public static partial int ConnectRegisterCloseCallback(nint connection, delegate* unmanaged[Cdecl]<nint, int, nint, void> callback, nint opaque, nint free);

    [LibraryImport(Library, EntryPoint = "virConnectSetKeepAlive")]
    public static partial int ConnectSetKeepAlive(nint connection, int interval, uint count);

    [LibraryImport(Library, EntryPoint = "virConnectDomainEventRegisterAny")]
    public static partial int ConnectDomainEventRegisterAny(nint connection, nint domain, int id, void* callback, nint opaque, nint free);

    [LibraryImport(Library, EntryPoint = "virConnectGetDomainCapabilities", StringMarshalling = StringMarshalling.Utf8)]
    public static partial byte* ConnectGetDomainCapabilities(nint connection, string? emulator, string? arch, string? machine, string? type, uint flags);

    /// <returns>virCPUCompareResult: 0 is incompatible, below it an error.</returns>
    [LibraryImport(Library, EntryPoint = "virConnectCompareHypervisorCPU", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ConnectCompareHypervisorCpu(nint connection, string? emulator, string? arch, string? machine, string? type, string cpu, uint flags);

    [LibraryImport(Library, EntryPoint = "virConnectGetCapabilities")]
    public static partial byte* ConnectGetCapabilities(nint connection);

    [LibraryImport(Library, EntryPoint = "virDomainCreateXML", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint DomainCreateXml(nint connection, string xml, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainLookupByUUIDString", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint DomainLookupByUuidString(nint connection, string uuid);

    [LibraryImport(Library, EntryPoint = "virDomainGetState")]
    public static partial int DomainGetState(nint domain, out int state, out int reason, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainGetInfo")]
    public static partial int DomainGetInfo(nint domain, out DomainInfo info);

    [LibraryImport(Library, EntryPoint = "virDomainGetVcpus")]
    public static partial int DomainGetVcpus(nint domain, VcpuInfo* info, int count, nint cpuMaps, int mapLength);

    [LibraryImport(Library, EntryPoint = "virDomainGetXMLDesc")]
    public static partial byte* DomainGetXmlDesc(nint domain, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainShutdownFlags")]
    public static partial int DomainShutdownFlags(nint domain, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainDestroyFlags")]
    public static partial int DomainDestroyFlags(nint domain, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainFree")]
    public static partial int DomainFree(nint domain);

    [LibraryImport(Library, EntryPoint = "virDomainSuspend")]
    public static partial int DomainSuspend(nint domain);

    [LibraryImport(Library, EntryPoint = "virDomainResume")]
    public static partial int DomainResume(nint domain);

    [LibraryImport(Library, EntryPoint = "virDomainReboot")]
    public static partial int DomainReboot(nint domain, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainReset")]
    public static partial int DomainReset(nint domain, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainFSFreeze")]
    public static partial int DomainFsFreeze(nint domain, nint mountPoints, uint count, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainFSThaw")]
    public static partial int DomainFsThaw(nint domain, nint mountPoints, uint count, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainCoreDumpWithFormat", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DomainCoreDumpWithFormat(nint domain, string file, uint format, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainAttachDeviceFlags", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DomainAttachDevice(nint domain, string xml, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainDetachDeviceAlias", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DomainDetachDeviceAlias(nint domain, string alias, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainUpdateDeviceFlags", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DomainUpdateDevice(nint domain, string xml, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainSetVcpusFlags")]
    public static partial int DomainSetVcpus(nint domain, uint count, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainSetUserPassword", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DomainSetUserPassword(nint domain, string user, string password, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainAuthorizedSSHKeysSet", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DomainAuthorizedSshKeysSet(nint domain, string user, string[] keys, uint count, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainScreenshot")]
    public static partial byte* DomainScreenshot(nint domain, nint stream, uint screen, uint flags);

    [LibraryImport(Library, EntryPoint = "virStreamNew")]
    public static partial nint StreamNew(nint connection, uint flags);

    [LibraryImport(Library, EntryPoint = "virStreamRecv")]
    public static partial int StreamReceive(nint stream, byte* data, nuint bytes);

    [LibraryImport(Library, EntryPoint = "virStreamFinish")]
    public static partial int StreamFinish(nint stream);

    [LibraryImport(Library, EntryPoint = "virStreamFree")]
    public static partial int StreamFree(nint stream);

    [LibraryImport(QemuLibrary, EntryPoint = "virDomainQemuMonitorCommand", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DomainQemuMonitorCommand(nint domain, string command, out byte* result, uint flags);

    [LibraryImport(QemuLibrary, EntryPoint = "virDomainQemuAgentCommand", StringMarshalling = StringMarshalling.Utf8)]
    public static partial byte* DomainQemuAgentCommand(nint domain, string command, int timeoutSeconds, uint flags);

    [LibraryImport("libc", EntryPoint = "free")]
    public static partial void Free(void* pointer);
}

/// <summary>virDomainInfo.</summary>
internal struct DomainInfo
{
    public byte State;
    public ulong MaxMemoryKiB;
    public ulong MemoryKiB;
    public ushort Cpus;
    public ulong CpuNanoseconds;
}

/// <summary>virVcpuInfo; state 0 is offline.</summary>
internal struct VcpuInfo
{
    public uint Number;
    public int State;
    public ulong CpuNanoseconds;
    public int Cpu;
}
